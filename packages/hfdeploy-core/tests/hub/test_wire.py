import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from hfdeploy_core.errors import HubUnreachable
from hfdeploy_core.hub.patience import GaveUp
from hfdeploy_core.hub.wire import Reply, Wire


@pytest.fixture
def wire(scripted_hub) -> Iterator[Wire]:
    wire = Wire(scripted_hub.endpoint)
    yield wire
    wire.close()


def get(wire: Wire, url: str) -> Reply | GaveUp:
    return wire.send("GET", url, {}, None)


def test_a_connection_is_kept_and_one_that_was_closed_is_not_used(
    wire: Wire, scripted_hub, monkeypatch
) -> None:
    opened: list[object] = []
    connect = http.client.HTTPConnection.connect
    monkeypatch.setattr(
        http.client.HTTPConnection, "connect", lambda self: (opened.append(self), connect(self))[1]
    )
    url = f"{scripted_hub.endpoint}/x"
    scripted_hub.on("GET /x", {"body": {}}, {"body": {}, "headers": {"Connection": "close"}}, {"body": {}})
    for _ in range(3):
        reply = get(wire, url)
        assert isinstance(reply, Reply)
        assert reply.status == 200
    assert len(opened) == 2


def test_a_broken_answer_may_have_had_its_effect_a_refused_connection_not(wire: Wire, scripted_hub) -> None:
    scripted_hub.on("GET /x", {"drop": True})
    lost = get(wire, f"{scripted_hub.endpoint}/x")
    assert isinstance(lost, GaveUp)
    assert lost.failure.was_sent
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = get(Wire(url := f"http://127.0.0.1:{closed.getsockname()[1]}"), url)
    assert isinstance(refused, GaveUp)
    assert not refused.failure.was_sent


@pytest.mark.parametrize(("method", "setting"), [("GET", "LOOK_SECONDS"), ("POST", "ANSWER_SECONDS")])
def test_who_only_looks_has_a_patience_of_its_own(monkeypatch, method: str, setting: str) -> None:
    for name in ("LOOK_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"hfdeploy_core.hub.wire.{name}", 0.05 if name == setting else 30.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        started_seconds = time.monotonic()
        silent = Wire(url := f"http://127.0.0.1:{server.getsockname()[1]}").send(method, url, {}, None)
    assert isinstance(silent, GaveUp)
    assert silent.message == "timed out"
    assert time.monotonic() - started_seconds < 30


def test_what_is_answered_after_it_was_closed_is_not_kept_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire(url := f"http://127.0.0.1:{server.getsockname()[1]}")
        thread = threading.Thread(target=get, args=(wire, url))
        thread.start()
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            wire.close()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.settimeout(5)
            assert connection.recv(1) == b""
        thread.join()


def test_redirects_that_turn_in_a_circle_end(wire: Wire, scripted_hub) -> None:
    scripted_hub.on("GET /x", {"status": 307, "headers": {"Location": "/x"}})
    assert isinstance(get(wire, f"{scripted_hub.endpoint}/x"), GaveUp)
    assert len(scripted_hub.requests) == 5


@pytest.mark.parametrize("endpoint", ["", "localhost:1", "http://", "ftp://x", "http://[", "http://x:99999"])
def test_what_is_no_address_of_a_hub(endpoint: str) -> None:
    with pytest.raises(HubUnreachable, match="not the URL"):
        Wire(endpoint)


def test_a_proxy_from_the_environment_is_used_and_authorized(scripted_hub, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", scripted_hub.endpoint.replace("//", "//user:p%40ss@"))
    monkeypatch.setenv("no_proxy", "")
    scripted_hub.on("GET http://hub.test/x", {"body": {}})
    wire = Wire("http://hub.test")
    reply = get(wire, "http://hub.test/x")
    wire.close()
    assert isinstance(reply, Reply)
    assert scripted_hub.requests[0].headers["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"
    monkeypatch.setenv("no_proxy", "hub.test")
    assert Wire("http://hub.test")._proxy is None


def test_an_answer_that_comes_before_all_was_heard_counts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 20):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        reply = Wire(url).send("POST", url, {}, b"x" * 5_000_000)
        thread.join()
    assert isinstance(reply, Reply)
    assert reply.status == 413

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hfdeploy_core import redact
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.model import Fate, Plan, Report, Result, Target, Thing
from hfdeploy_janitor.notify import find_addresses, is_news, notify
from hfdeploy_janitor.rules import Kind, Policy

# What apprise imports is on its way out of Python.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = Target(Thing(Kind.MODEL, "alice", "test-1", "0" * 24, NOW, NOW), "old", 0)
PLAN = Plan("", NOW, Policy(()), (TARGET,))


@pytest.fixture
def service() -> Iterator[tuple[str, list[dict[str, str]]]]:
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    server.server_close()
    server.server_close()


def test_people_are_told_the_sum(service: tuple[str, list[dict[str, str]]]) -> None:
    address, heard = service
    notify(Report(PLAN, (Result(TARGET, Fate.FAILED, "No."),), applied=True), [address])
    assert heard[0]["title"] == "hfdeploy-janitor ended with 3"
    assert heard[0]["message"] == "1 failed."


def test_what_is_no_news_is_not_told() -> None:
    assert not is_news(Report(PLAN))
    assert is_news(Report(PLAN, (Result(TARGET, Fate.DELETED),)))
    assert is_news(Report(Plan("", NOW, Policy(()), (), incomplete=("models",))))


def test_an_address_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFDEPLOY_JANITOR_NOTIFY", "slack://word-of-mine/x  nonsense")
    addresses = find_addresses()
    assert len(addresses) == 2
    assert "word-of-mine" not in redact(f"cannot reach {addresses[0]}")
    with pytest.raises(RuleInvalid, match="none that apprise knows"):
        notify(Report(PLAN), ["nonsense"])

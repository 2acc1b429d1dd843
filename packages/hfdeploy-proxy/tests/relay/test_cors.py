"""CORS over real sockets: who is not on the list is refused, also where a header left out would do."""

from collections.abc import Callable

import pytest

from ..conftest import Relay, Upstream

GOOD = "Origin: https://good.test"
PREFLIGHT = ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-a, content-type")


@pytest.fixture(autouse=True)
def _reflecting(upstream: Upstream) -> None:
    upstream.answers(
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: https://evil.test\r\n"
        b"Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: x-a\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("origin", ["https://evil.test", "null", "https://good.test.evil.test"])
def test_bad_origins_are_refused(
    start_relay: Callable[..., Relay], upstream: Upstream, method: str, origin: str
) -> None:
    relay = start_relay(allow_origins="https://good.test", allow_credentials=True)
    answer = relay.ask(method, "/", f"Origin: {origin}", *PREFLIGHT)
    assert (answer.status, answer.problem()) == (403, "origin-refused")
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]
    assert upstream.opened == 0


def test_preflights_are_answered_here(start_relay: Callable[..., Relay], upstream: Upstream) -> None:
    relay = start_relay(allow_origins="https://good.test", allow_credentials=True)
    answer = relay.ask("OPTIONS", "/", GOOD, *PREFLIGHT)
    assert answer.status == 204
    assert answer.values("access-control-allow-origin") == ["https://good.test"]
    assert answer.values("access-control-allow-credentials") == ["true"]
    assert answer.values("access-control-allow-methods") == ["PUT"]
    assert answer.values("access-control-allow-headers") == ["x-a, content-type"]
    assert answer.values("vary")[0] == "Origin"
    assert upstream.opened == 0
    assert relay.ask("OPTIONS", "/").status == 200  # no preflight: the upstream's
    assert upstream.opened == 1


def test_answers_tell_the_relays_policy_and_not_the_upstreams(start_relay: Callable[..., Relay]) -> None:
    relay = start_relay(allow_origins="https://good.test")
    answer = relay.ask("GET", "/", GOOD)
    assert answer.values("access-control-allow-origin") == ["https://good.test"]
    assert answer.values("access-control-allow-credentials") == []
    assert answer.values("access-control-expose-headers") == ["x-a"]
    assert relay.ask("GET", "/").values("vary") == ["Origin"]
    assert relay.ask("GET", "/").values("access-control-allow-origin") == []
    anyone = start_relay(allow_origins="*").ask("GET", "/", "Origin: https://evil.test")
    assert anyone.values("access-control-allow-origin") == ["*"]
    assert start_relay().ask("GET", "/", "Origin: http://relay.test").status == 200

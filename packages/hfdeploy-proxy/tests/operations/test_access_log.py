import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from hfdeploy_proxy.rules.guard import digest_key

from ..conftest import Relay, Upstream

KEY = "k" * 43


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_request_is_a_line(
    start_relay: Callable[..., Relay], upstream: Upstream, capsys: pytest.CaptureFixture[str], canary: str
) -> None:
    upstream.answers(b"HTTP/1.1 200 OK\r\nX-Request-ID: theirs\r\nContent-Length: 2\r\n\r\nok")
    relay = start_relay(access_log=True, trusted_hops=1, api_keys=f"alice:{digest_key(KEY.encode()).hex()}")
    answer = relay.ask(
        "POST",
        f"/a%2Fb/{canary}/{KEY}?secret=words",
        "X-Forwarded-For: 6.6.6.6, 1.2.3.4",
        f"X-API-Key: {KEY}",
        "User-Agent: test",
        f"Authorization: Bearer {canary}",
        "X-Request-Id: mine-1",
        body=b"hello",
    )
    assert answer.values("x-request-id") == ["mine-1"]
    assert upstream.seen[0].values("x-request-id") == ["mine-1"]
    (line,) = lines(capsys)
    assert line.pop("time").startswith("20")
    assert 0 <= line.pop("seconds") < 5
    assert line.pop("path").startswith("/a%2Fb/hf_***/")
    assert line == {
        "id": "mine-1",
        "client": "1.2.3.4",
        "key": "alice",
        "method": "POST",
        "status": 200,
        "sent_bytes": 2,
        "complete": True,
        "agent": "test",
    }


def test_a_bad_id_is_replaced_and_refusals_are_logged(
    start_relay: Callable[..., Relay], upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    relay = start_relay(access_log=True, allow_paths="/a")
    first = relay.ask("GET", "/a", 'X-Request-Id: "}')
    second = relay.ask("GET", "/b")
    upstream.answers(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{relay.port}/a", proxy=None)
    found = lines(capsys)
    assert [(line["method"], line["status"]) for line in found] == [
        ("GET", 200),
        ("GET", 403),
        ("WEBSOCKET", 403),
    ]
    assert [first.values("x-request-id"), second.values("x-request-id")] == [
        [line["id"]] for line in found[:2]
    ]
    assert len({line["id"] for line in found}) == 3


def test_an_answer_that_breaks_off_shows(
    start_relay: Callable[..., Relay], upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    async def break_off(conversation: Any, seen: Any) -> str:
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return "closed"

    upstream.handler = break_off
    relay = start_relay(access_log=True)
    with pytest.raises(EOFError):
        relay.ask("GET", "/")
    (line,) = lines(capsys)
    assert (line["status"], line["sent_bytes"], line["complete"]) == (200, 4, False)

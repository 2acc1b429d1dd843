"""A Space that does not answer: what the Hub says of it decides what the client is told."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from hfdeploy_proxy.rules.errors import (
    Header,
    SpaceAsleep,
    SpaceBroken,
    SpaceBuilding,
    SpacePaused,
    SpaceStarting,
    SpaceUnavailable,
    TargetUnknown,
    UpstreamUnreachable,
)
from hfdeploy_proxy.rules.waking import decide_reason
from hfdeploy_proxy.upstream.port import Answer, Body
from hfdeploy_proxy.waking import Waking, WakingUpstream

HEADERS = [(b"host", b"h"), (b"x", b"y"), (b"authorization", b"Bearer t")]


@dataclass
class Reply:
    """An answer that knows whether it was let go."""

    status: int
    headers: Sequence[Header] = ()
    ended: bool = True
    sent_all: bool = True
    closed: bool = False

    async def read(self) -> bytes:
        return b""

    async def close(self) -> None:
        self.closed = True


@dataclass
class Script:
    """An upstream and a Hub that answer what is next; the last answer is repeated."""

    replies: list[Reply | Exception]
    stages: list[str | Exception]
    asked: list[tuple[bytes, bytes]] = field(default_factory=list)
    given: list[Reply] = field(default_factory=list)
    stage_requests: int = 0

    async def send(
        self, method: bytes, target: bytes, headers: Sequence[Header], body: Body | None
    ) -> Answer:
        self.asked.append((method, target))
        found = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(found, Exception):
            raise found
        self.given.append(found)
        return found

    async def close(self) -> None:
        return None

    async def ask(self) -> str:
        self.stage_requests += 1
        found = self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]
        if isinstance(found, Exception):
            raise found
        return found


async def no_parts() -> Iterator[bytes]:
    yield b"body"  # type: ignore[misc]


def send(
    script: Script,
    method: bytes = b"GET",
    *,
    body: bool = False,
    wait_seconds: float = 0.0,
    keep_seconds: float = 0.0,
    times: int = 1,
) -> int:
    async def run() -> int:
        waking = Waking(script.ask, asyncio.get_running_loop().time, wait_seconds, keep_seconds)
        upstream = WakingUpstream(script, waking)
        for _ in range(times):
            parts = Body(4, no_parts()) if body else None  # type: ignore[arg-type]
            answer = await upstream.send(method, b"/x", HEADERS, parts)
        return answer.status

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ("SLEEPING", SpaceAsleep),
        ("BUILDING", SpaceBuilding),
        ("APP_STARTING", SpaceStarting),
        ("PAUSED", SpacePaused),
        ("STOPPED", SpacePaused),
        ("RUNTIME_ERROR", SpaceBroken),
        ("BUILD_ERROR", SpaceBroken),
    ],
)
def test_the_stage_says_why(stage: str, reason: type[SpaceUnavailable]) -> None:
    reply = Reply(503)
    with pytest.raises(reason):
        send(Script([reply], [stage]))
    assert reply.closed
    with pytest.raises(reason):
        send(Script([UpstreamUnreachable("")], [stage]))
    assert reason.problem.status == 503
    assert reason.problem.retry_after_seconds


@pytest.mark.parametrize("stage", ["RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING", "NEW_STAGE", None])
def test_an_application_that_runs_says_for_itself_what_is_wrong(stage: str | None) -> None:
    assert decide_reason(stage) is None
    hub: list[str | Exception] = [stage or TargetUnknown("no Hub")]
    reply = Reply(502)
    assert send(Script([reply], hub)) == 502
    assert not reply.closed
    with pytest.raises(UpstreamUnreachable):
        send(Script([UpstreamUnreachable("")], hub), wait_seconds=0.02)


def test_the_hub_is_not_asked_while_the_space_answers_and_seldom_when_it_does_not() -> None:
    quiet = Script([Reply(200)], ["SLEEPING"])
    assert send(quiet, times=3) == 200
    assert quiet.stage_requests == 0
    troubled = Script([Reply(503)], ["RUNNING"])
    assert send(troubled, times=5, keep_seconds=60) == 503
    assert troubled.stage_requests == 1


def test_a_request_waits_until_the_space_runs() -> None:
    script = Script([Reply(503), Reply(200)], ["SLEEPING", "SLEEPING", "APP_STARTING", "RUNNING"])
    assert send(script, wait_seconds=5) == 200
    assert script.asked == [(b"GET", b"/x"), (b"GET", b"/"), (b"GET", b"/x")]
    assert all(reply.closed for reply in script.given[:-1])


def test_what_runs_according_to_the_hub_and_does_not_answer_yet_is_asked_again() -> None:
    script = Script([Reply(503), Reply(503), UpstreamUnreachable("no"), Reply(200)], ["SLEEPING", "RUNNING"])
    assert send(script, wait_seconds=5) == 200
    assert script.stage_requests > 2
    late = Script([Reply(503), Reply(200)], ["RUNNING"])  # it has begun to run between answer and question
    assert send(late, wait_seconds=5) == 200
    own = Script([Reply(503)], ["SLEEPING", "RUNNING"])
    assert send(own, wait_seconds=0.02) == 503


def test_it_does_not_wait_for_ever() -> None:
    script = Script([Reply(503)], ["BUILDING"])
    with pytest.raises(SpaceBuilding):
        send(script, wait_seconds=0.02, keep_seconds=0.005)
    assert script.asked == [(b"GET", b"/x")]


@pytest.mark.parametrize(("method", "body"), [(b"POST", True), (b"POST", False), (b"PUT", True)])
def test_what_cannot_be_repeated_is_sent_once_and_only_to_a_space_that_runs(
    method: bytes, body: bool
) -> None:
    waited = Script([Reply(200)], ["SLEEPING", "RUNNING"])
    assert send(waited, method, body=body, wait_seconds=5) == 200
    assert waited.asked == [(b"GET", b"/"), (method, b"/x")]
    refused = Script([Reply(503)], ["RUNNING", "SLEEPING"])
    with pytest.raises(SpaceAsleep):
        send(refused, method, body=body, wait_seconds=5)
    assert refused.asked == [(method, b"/x")]
    at_once = Script([Reply(503)], ["SLEEPING"])
    with pytest.raises(SpaceAsleep):
        send(at_once, method, body=body)
    assert at_once.asked == [(method, b"/x")]


def test_after_an_answer_nothing_is_asked_before_a_request() -> None:
    script = Script([Reply(200)], ["RUNNING"])
    assert send(script, b"POST", body=True, wait_seconds=5, times=3) == 200
    assert script.stage_requests == 1

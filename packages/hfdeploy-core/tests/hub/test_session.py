from collections.abc import Iterable, Iterator

import httpx2
import pytest

from hfdeploy_core.hub.retry import Budget
from hfdeploy_core.hub.session import GaveUp, Patience, PatientClient
from hfdeploy_core.testing import FakeClock

Step = httpx2.Response | Exception


class Script:
    """A client whose answers are scripted, and what was sent and waited."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = iter(steps)
        self.sent: list[httpx2.Request] = []
        self.clock = FakeClock()
        self.waits: list[str] = []
        inner = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        patience = Patience(
            Budget(attempts=4), self.clock, lambda: 0.0, lambda _, why: self.waits.append(why)
        )
        self.client = PatientClient(inner, patience)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        step = next(self._steps)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def script() -> Iterator[type[Script]]:
    made: list[Script] = []

    def make(*steps: Step) -> Script:
        made.append(Script(steps))
        return made[-1]

    yield make  # type: ignore[misc]
    for one in made:
        one.client.close()


def test_a_busy_hub_is_waited_out(script) -> None:
    run = script(
        httpx2.Response(429, headers={"RateLimit": '"api";r=0;t=12'}),
        httpx2.Response(503, headers={"Retry-After": "3"}),
        httpx2.ConnectError("[Errno 111] refused"),
        httpx2.Response(200, json={"ok": True}),
    )
    assert run.client.post("https://hub.test/api/x", json={"a": 1}).json() == {"ok": True}
    assert run.clock.naps == [12, 3, 1]
    assert run.waits == ["it answered 429", "it answered 503", "refused"]
    assert {request.content for request in run.sent} == {b'{"a":1}'}


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 412, 501])
def test_any_other_answer_is_the_answer(script, status: int) -> None:
    run = script(httpx2.Response(status))
    assert run.client.get("https://hub.test/api/x", follow_redirects=False).status_code == status
    assert len(run.sent) == 1


def test_patience_ends_with_something_that_no_client_retries(script) -> None:
    run = script(*[httpx2.Response(500)] * 4)
    with pytest.raises(GaveUp) as caught:
        run.client.get("https://hub.test/api/x")
    assert caught.value.failure.status == 500
    assert len(run.sent) == 4
    assert not isinstance(caught.value, httpx2.HTTPError)


def test_a_wait_beyond_the_budget_is_not_begun(script) -> None:
    run = script(httpx2.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(GaveUp) as caught:
        run.client.get("https://hub.test/api/x")
    assert caught.value.failure.asked_seconds == 3600
    assert run.clock.naps == []


@pytest.mark.parametrize("step", [httpx2.Response(500), httpx2.Response(504), httpx2.ReadError("reset")])
def test_a_commit_whose_answer_was_lost_is_not_sent_again(script, step: Step) -> None:
    run = script(step)
    with pytest.raises(GaveUp) as caught:
        run.client.post("https://hub.test/api/spaces/a/b/commit/main", content=b"x")
    assert caught.value.failure.is_ambiguous
    assert len(run.sent) == 1


@pytest.mark.parametrize("step", [httpx2.Response(503), httpx2.Response(429), httpx2.ConnectError("refused")])
def test_a_commit_that_was_surely_not_made_is(script, step: Step) -> None:
    run = script(step, httpx2.Response(200))
    assert run.client.post("https://hub.test/api/spaces/a/b/commit/main", content=b"x").status_code == 200
    assert len(run.sent) == 2


def test_a_busy_creation_is_waited_out_but_an_existing_repo_is_an_answer(script) -> None:
    busy = {"error": "Cannot create repo: another conflicting operation is in progress"}
    run = script(httpx2.Response(409, json=busy), httpx2.Response(409, json={"error": "exists"}))
    assert run.client.post("https://hub.test/api/repos/create", json={}).json() == {"error": "exists"}
    assert len(run.clock.naps) == 1


@pytest.mark.parametrize("path", ["/api/agent-harnesses", "/api/telemetry/hf_hub"])
def test_what_the_client_asks_on_its_own_account_is_asked_once(script, path: str) -> None:
    run = script(httpx2.ConnectError("refused"))
    with pytest.raises(httpx2.ConnectError):
        run.client.get(f"https://hub.test{path}")
    assert len(run.sent) == 1


def test_a_streamed_body_is_left_to_who_can_rewind_it(script) -> None:
    run = script(httpx2.Response(503))
    assert run.client.put("https://hub.test/x", content=iter([b"a", b"b"])).status_code == 503


def test_a_streamed_answer_is_waited_out_too(script) -> None:
    run = script(httpx2.Response(503, content=b"busy"), httpx2.Response(200, content=b"good"))
    with run.client.stream("GET", "https://hub.test/x") as response:
        assert response.read() == b"good"

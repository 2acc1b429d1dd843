import pytest

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import HttpFile
from hfdeploy_core.running.flow import Stopped
from hfdeploy_core.running.steps.context import StepContext
from hfdeploy_core.running.steps.http import ask_url


def ask(url: str, **options: object) -> HttpFile:
    return HttpFile.model_validate({"type": "http", "url": url, **options})


def test_it_is_asked_until_it_answers_well_and_no_token_goes_along(
    context, lines, scripted_hub, clock
) -> None:
    scripted_hub.on(
        "GET /health", {"status": 503}, {"body": {"state": "starting"}}, {"body": {"state": "ready"}}
    )
    ask_url(ask(f"{scripted_hub.endpoint}/health", text="ready"), context)
    assert (len(scripted_hub.requests), clock.naps) == (3, [1.0, 2.0])
    assert lines == [f"{scripted_hub.endpoint}/health answered 200"]
    assert all("Authorization" not in request.headers for request in scripted_hub.requests)


def test_the_pauses_grow_to_a_limit_and_end_with_the_run(context: StepContext, clock) -> None:
    with pytest.raises(StepFailed, match="does not answer"):
        ask_url(ask("http://127.0.0.1:9/", tries=7), context)
    assert clock.naps == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    context.over.set()
    with pytest.raises(Stopped):
        ask_url(ask("http://127.0.0.1:9/", tries=7), context)


def test_the_last_fault_is_told(context: StepContext, scripted_hub) -> None:
    scripted_hub.on("GET /", {"status": 404})
    with pytest.raises(StepFailed, match="answered 404, not 200"):
        ask_url(ask(f"{scripted_hub.endpoint}/", tries=2), context)
    ask_url(ask(f"{scripted_hub.endpoint}/", status=404), context)
    with pytest.raises(StepFailed, match="does not answer"):
        ask_url(ask("http://127.0.0.1:9/", tries=1), context)
    with pytest.raises(StepFailed, match="is no URL"):
        ask_url(ask("file:///etc/passwd"), context)

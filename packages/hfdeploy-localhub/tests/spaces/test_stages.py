import pytest

from hfdeploy_localhub.spaces.stages import Attempt, Stage, decide_push, decide_stage


@pytest.mark.parametrize(
    ("attempt", "serving", "shown"),
    [
        (Stage.BUILDING, False, Stage.BUILDING),
        (Stage.BUILDING, True, Stage.RUNNING_BUILDING),
        (Stage.APP_STARTING, False, Stage.APP_STARTING),
        (Stage.APP_STARTING, True, Stage.RUNNING_APP_STARTING),
        (Stage.RUNNING, True, Stage.RUNNING),
        (Stage.BUILD_ERROR, False, Stage.BUILD_ERROR),
        (Stage.PAUSED, False, Stage.PAUSED),
    ],
)
def test_the_stage_tells_of_both_commits(attempt: Stage, serving: bool, shown: Stage) -> None:
    assert decide_stage(attempt, serving=serving) is shown


def test_only_the_stages_clients_poll_are_on_their_way() -> None:
    moving = {stage for stage in Stage if stage.is_on_its_way}
    assert moving == {
        Stage.BUILDING,
        Stage.RUNNING_BUILDING,
        Stage.APP_STARTING,
        Stage.RUNNING_APP_STARTING,
    }


def test_a_push_of_the_commit_that_was_tried_does_nothing() -> None:
    assert not decide_push("a", Attempt("a", Stage.RUNNING), paused=False)
    assert not decide_push("a", Attempt("a", Stage.BUILD_ERROR), paused=False)
    assert not decide_push("b", Attempt("a", Stage.RUNNING), paused=True)
    assert decide_push("b", Attempt("a", Stage.RUNNING), paused=False)
    assert decide_push("b", Attempt(None, Stage.STOPPED), paused=False)

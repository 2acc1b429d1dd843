from itertools import accumulate, count, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import AppFailed, BuildFailed, NotRunning, SettingInvalid
from hfdeploy_core.model import RepoType
from hfdeploy_core.planning.gate import (
    SETTLE_SECONDS,
    Failed,
    Gate,
    Live,
    Verdict,
    Wait,
    check_gate,
    decide_gate,
    decide_poll_seconds,
    is_moving,
)
from hfdeploy_core.space import LogKind, Runtime

OURS, OTHER = "a" * 40, "b" * 40
STAGES = ["RUNNING", "SLEEPING", "BUILDING", "RUNNING_BUILDING", "APP_STARTING", "RUNNING_APP_STARTING"]
STAGES += [
    "BUILD_ERROR",
    "CONFIG_ERROR",
    "NO_APP_FILE",
    "RUNTIME_ERROR",
    "PAUSED",
    "STOPPED",
    "DELETING",
    "NEW",
]
runtimes = st.builds(Runtime, st.sampled_from(STAGES), st.sampled_from([OURS, OTHER, None]))


def decide(runtime: Runtime, elapsed_seconds: float = 0, *, has_moved: bool = False) -> Verdict:
    return decide_gate(
        runtime, OURS, repo_id="alice/app", elapsed_seconds=elapsed_seconds, has_moved=has_moved
    )


def fail(stage: str, words: str | None = None) -> Failed:
    verdict = decide(Runtime(stage, OURS, words))
    assert isinstance(verdict, Failed)
    return verdict


@given(runtimes, st.floats(0, 1e6), st.booleans())
def test_only_this_very_commit_is_ever_live(runtime: Runtime, elapsed: float, has_moved: bool) -> None:
    verdict = decide(runtime, elapsed, has_moved=has_moved)
    assert isinstance(verdict, Live) == (runtime.commit == OURS and runtime.stage in ("RUNNING", "SLEEPING"))


@given(runtimes)
def test_what_another_commit_left_behind_does_not_fail_this_one(runtime: Runtime) -> None:
    if runtime.commit != OURS:
        assert isinstance(decide(runtime, SETTLE_SECONDS / 2), Wait)


@given(runtimes, st.floats(0, 1e6))
def test_what_has_failed_does_not_become_undecided_again(runtime: Runtime, elapsed: float) -> None:
    if isinstance(decide(runtime, elapsed), Failed):
        assert isinstance(decide(runtime, elapsed + 1), Failed)
        assert isinstance(decide(runtime, elapsed, has_moved=True), Failed)


@pytest.mark.parametrize("stage", ["BUILD_ERROR", "CONFIG_ERROR", "NO_APP_FILE"])
def test_what_cannot_be_built(stage: str) -> None:
    verdict = fail(stage, "no such base image.")
    assert isinstance(verdict.error, BuildFailed)
    assert (
        verdict.error.message == f"alice/app could not be built: {stage}. The Hub says: no such base image."
    )
    assert verdict.log == (LogKind.BUILD if stage == "BUILD_ERROR" else None)


def test_what_the_hub_says_is_a_sentence_also_where_it_goes_on_below() -> None:
    verdict = fail("BUILD_ERROR", "pip failed with exit code 1:\nno such package")
    assert verdict.error.message.endswith("The Hub says: pip failed with exit code 1.")


def test_what_crashed() -> None:
    verdict = fail("RUNTIME_ERROR", "exit code 1")
    assert isinstance(verdict.error, AppFailed)
    assert "exit code 1" in verdict.error.message
    assert verdict.log == LogKind.RUN


@pytest.mark.parametrize(
    ("stage", "words", "remedy"),
    [
        ("PAUSED", None, "hfdeploy wake alice/app"),
        ("STOPPED", None, "hfdeploy restart alice/app"),
        ("DELETING", None, "another name"),
        ("PAUSED", "Flagged as abusive", "support"),
        ("PAUSED", "Out of quota for this hardware", "pausing other Spaces"),
        ("NEW_STAGE", "flagged", "support"),
    ],
)
def test_what_only_somebody_can_mend_says_how(stage: str, words: str | None, remedy: str) -> None:
    verdict = fail(stage, words)
    assert isinstance(verdict.error, NotRunning)
    assert remedy in verdict.error.remedy


def test_a_flagged_relay_hears_what_others_suspect() -> None:
    runtime = Runtime("PAUSED", OURS, "Flagged as abusive")
    for repo_id, is_told in (("alice/app-proxy", True), ("alice/app", False)):
        verdict = decide_gate(runtime, OURS, repo_id=repo_id, elapsed_seconds=0, has_moved=False)
        assert isinstance(verdict, Failed)
        assert ("'proxy'" in verdict.error.remedy) is is_told


def test_which_log_tells_what_is_going_on() -> None:
    assert decide(Runtime("RUNNING_BUILDING", OTHER)) == Wait(LogKind.BUILD)
    assert decide(Runtime("APP_STARTING", OURS)) == Wait(LogKind.RUN)


@given(runtimes)
def test_whoever_moves_is_waited_for(runtime: Runtime) -> None:
    if is_moving(runtime):
        assert isinstance(decide(runtime, 1e6, has_moved=True), Wait)


def test_ten_minutes_take_less_than_sixty_looks() -> None:
    pauses = accumulate(decide_poll_seconds(polls) for polls in count())
    assert 40 < len(list(takewhile(lambda seconds: seconds < 600, pauses))) < 60


def test_there_is_no_gate_where_nothing_runs() -> None:
    check_gate(None, RepoType.MODEL)
    check_gate(Gate(), RepoType.SPACE)
    with pytest.raises(SettingInvalid, match="does not run") as caught:
        check_gate(Gate(), RepoType.MODEL)
    assert "--type space" in caught.value.remedy

"""Promoting, over the Hub in memory."""

import pytest

from hfdeploy_core import apply, deploy, plan_promote, promote, rollback
from hfdeploy_core.errors import PlanStale, RepoNotFound, SettingInvalid
from hfdeploy_core.events import Event, Warned
from hfdeploy_core.model import RepoRef, RepoType, Sdk, Visibility
from hfdeploy_core.space import Runtime
from hfdeploy_core.testing import FakeHub

STAGE = RepoRef(RepoType.SPACE, "alice", "stage")
LIVE = RepoRef(RepoType.SPACE, "alice", "live")
CARD = "---\nsdk: static\n---\n"


@pytest.fixture
def hub(write) -> FakeHub:
    hub = FakeHub(large_bytes=1000)
    deploy(write({"README.md": CARD, "index.html": "1", "old.txt": "x"}), "live", hub=hub)
    hub.repos[LIVE].variables["MODE"] = "production"
    root = write({"index.html": "2", "big.bin": b"x" * 5000})
    (root / "old.txt").unlink()
    deploy(root, "stage", visibility="private", variables={"MODE": "staging"}, hub=hub)
    hub.calls.clear()
    return hub


def test_it_takes_over_the_whole_tree_and_no_setting(hub: FakeHub, tmp_path) -> None:
    outcome = promote("alice/stage", "live", state=tmp_path, hub=hub)
    live, stage = hub.repos[LIVE], hub.repos[STAGE]
    assert live.files == stage.files
    assert (live.variables, live.visibility) == ({"MODE": "production"}, Visibility.PUBLIC)
    assert (outcome.repo_id, outcome.commit, outcome.changed) == ("alice/live", live.commits[-1].id, True)
    assert hub.writes == ["commit"]
    assert f"hfdeploy-promotion: spaces/alice/stage@{stage.commits[-1].id}" in live.commits[-1].message
    assert "hfdeploy-rollback" not in live.commits[-1].message


def test_the_second_time_there_is_nothing_to_do(hub: FakeHub, tmp_path) -> None:
    promote("stage", "live", state=tmp_path, hub=hub)
    assert not promote("stage", "live", state=tmp_path, hub=hub).changed


def test_a_promotion_can_be_rolled_back(hub: FakeHub, tmp_path) -> None:
    promote("stage", "live", state=tmp_path, hub=hub)
    rollback("live", state=tmp_path, hub=hub)
    assert hub.repos[LIVE].files["index.html"] == b"1"


def test_another_sdk_comes_along_and_is_told(hub: FakeHub) -> None:
    hub.repos[STAGE].sdk = "docker"
    (change,) = plan_promote("stage", "live", hub=hub).changes
    assert (change.sdk, change.sdk_before) == (Sdk.DOCKER, "static")


def test_one_that_does_not_run_what_it_holds_is_doubted(hub: FakeHub, told: list[Event]) -> None:
    hub.repos[STAGE].runtimes = [Runtime("RUNNING", "0" * 40)]
    plan_promote("stage", "live", on_event=told.append, hub=hub)
    assert Warned("alice/stage is RUNNING: it does not run what it holds.") in told
    told.clear()
    hub.repos[STAGE].runtimes = []
    plan_promote("stage", "live", on_event=told.append, hub=hub)
    assert told == []


def test_what_changed_meanwhile_is_left(hub: FakeHub, tmp_path) -> None:
    made = plan_promote("stage", "live", hub=hub)
    hub.push(LIVE, {"README.md": CARD.encode(), "hotfix": b"1"})
    with pytest.raises(PlanStale):
        apply(made, state=tmp_path, hub=hub)
    assert hub.repos[LIVE].files["hotfix"] == b"1"


def test_what_makes_no_sense_is_refused(hub: FakeHub, tmp_path) -> None:
    with pytest.raises(SettingInvalid, match="to itself"):
        promote("stage", "alice/stage", state=tmp_path, hub=hub)
    with pytest.raises(RepoNotFound):
        promote("stage", "alice/nothing", state=tmp_path, hub=hub)
    assert hub.writes == []

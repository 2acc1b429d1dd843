from pathlib import Path

import pytest

from hfdeploy_core import deploy, diff, plan, rollback, status
from hfdeploy_core.errors import RepoNotFound, SettingInvalid
from hfdeploy_core.model import Gated, RepoRef, RepoType
from hfdeploy_core.planning.status import Drift
from hfdeploy_core.space import Runtime
from hfdeploy_core.testing import FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
CARD = "---\nsdk: docker\n---\n"


@pytest.fixture
def root(write) -> Path:
    return write({"README.md": CARD, "app.py": "print(1)\n", "big": b"1" * 5000})


@pytest.fixture
def deployed(hub: FakeHub, root: Path, tmp_path: Path) -> str:
    """The commit of a Space whose journal lies in `state`."""
    options = {"hardware": "cpu-upgrade", "state": tmp_path / "state"}
    commit = deploy(root, "alice/app", hub=hub, **options).commit
    hub.calls.clear()
    return commit


def test_what_is_live_is_told_with_where_it_comes_from(hub: FakeHub, deployed: str, tmp_path: Path) -> None:
    hub.repos[SPACE].commits[
        -1
    ].message = "hfdeploy-source: https://git.test/a\nhfdeploy-commit: abc\nhfdeploy-content: x"
    hub.repos[SPACE].runtimes = [Runtime("RUNNING_BUILDING", "before")]
    found = status("app", state=tmp_path / "state", hub=hub)
    assert (found.repo_id, found.repo_type, found.head) == ("alice/app", "space", deployed)
    assert (found.stage, found.live) == ("RUNNING_BUILDING", "before")
    hub.repos[SPACE].runtimes = [Runtime("RUNTIME_ERROR", deployed)]
    crashed = status("app", state=tmp_path / "state", hub=hub)
    assert (crashed.stage, crashed.live) == ("RUNTIME_ERROR", None)
    assert found.deployed is not None
    assert (found.deployed.source, found.deployed.source_commit) == ("https://git.test/a", "abc")
    assert (found.others, found.changed_files, found.drift) == ((), (), ())
    assert found.is_known
    assert hub.writes == []


def test_what_others_did_since_is_told(hub: FakeHub, deployed: str, tmp_path: Path) -> None:
    files = {**hub.repos[SPACE].files, "app.py": b"theirs", "new": b"x"}
    hub.push(SPACE, files, title="Mend it")
    hub.repos[SPACE].hardware = "t4-small"
    found = status("alice/app", state=tmp_path / "state", hub=hub)
    assert (found.others, found.changed_files) == (("Mend it",), ("app.py", "new"))
    assert found.drift == (Drift("hardware", "cpu-upgrade", "t4-small"),)


def test_after_a_rollback_it_is_told_what_was_restored(
    hub: FakeHub, deployed: str, root: Path, tmp_path: Path
) -> None:
    (root / "app.py").write_text("print(2)\n")
    deploy(root, "alice/app", state=tmp_path / "state", hub=hub)
    rollback("alice/app", state=tmp_path / "state", hub=hub)
    found = status("alice/app", state=tmp_path / "state", hub=hub)
    assert found.deployed is not None
    assert (found.deployed.restores, found.drift) == (deployed, ())


def test_without_a_journal_the_drift_of_settings_is_not_known(hub: FakeHub, deployed, tmp_path: Path) -> None:
    found = status("alice/app", state=tmp_path / "other", hub=hub)
    assert (found.is_known, found.drift) == (False, ())


def test_a_plan_takes_the_place_of_the_journal(hub: FakeHub, deployed: str, root: Path) -> None:
    made = plan(root, "alice/app", gated="auto", hub=hub)
    assert status("alice/app", plan=made, hub=hub).drift == (Drift("gated setting", "auto", "none"),)
    hub.repos[SPACE].gated = Gated.AUTO
    assert status("alice/app", plan=made, hub=hub).drift == ()
    deploy(root, "alice/other", hub=hub)
    with pytest.raises(SettingInvalid, match="not for"):
        status("alice/other", plan=made, hub=hub)


def test_a_repo_that_is_not_there(hub: FakeHub) -> None:
    with pytest.raises(RepoNotFound):
        status("alice/app", hub=hub)
    with pytest.raises(RepoNotFound):
        status("alice/m", repo_type="model", hub=hub)


def test_a_model_has_no_stage(hub: FakeHub, root: Path) -> None:
    deploy(root, "alice/m", repo_type="model", hub=hub)
    found = status("alice/m", repo_type="model", hub=hub)
    assert (found.stage, found.live) == (None, None)


def test_what_a_deploy_would_change_is_told_file_by_file(
    hub: FakeHub, deployed: str, root: Path, tmp_path: Path
) -> None:
    (root / "app.py").write_text("print(2)\n")
    (root / "big").write_bytes(b"2" * 6000)
    (root / "logo").write_bytes(b"\0")
    hub.push(SPACE, {**hub.repos[SPACE].files, "old.txt": b"old\n"})
    hub.calls.clear()
    texts = list(diff(root, "alice/app", mirror=True, max_delete=5, state=tmp_path / "state", hub=hub))
    assert texts == [
        "--- a/app.py\n+++ b/app.py\n@@ -1 +1 @@\n-print(1)\n+print(2)",
        "big: 5,000 bytes -> 6,000 bytes",
        "logo: none -> 1 bytes",
        "--- a/old.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-old",
    ]
    assert hub.calls.count("read_file") == 2
    assert hub.writes == []


def test_a_token_in_a_file_is_not_shown(hub: FakeHub, deployed: str, root: Path) -> None:
    (root / "app.py").write_text("key = 'hf_" + "a" * 34 + "'\n")
    (text,) = diff(root, "alice/app", hub=hub)
    assert "hf_aaaa" not in text


def test_of_a_repo_that_is_not_there_all_is_new(hub: FakeHub, root: Path) -> None:
    texts = list(diff(root, "alice/new", hub=hub))
    assert len(texts) == 3
    assert all("none -> " in text or text.startswith("--- /dev/null") for text in texts)

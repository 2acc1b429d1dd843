from dataclasses import replace
from pathlib import Path

from hfdeploy_core.model import (
    Card,
    CommitFiles,
    CreateRepo,
    FileEntry,
    Remote,
    RemoteFile,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    SetVisibility,
    Snapshot,
    Target,
    Visibility,
)
from hfdeploy_core.planning.deploy import plan_deploy

REPO = RepoRef(RepoType.SPACE, "alice", "app")
TARGET = Target(REPO, "title", sdk=Sdk.STATIC)
ENTRY = FileEntry("index.html", 3, "1" * 40, "2" * 64)
SNAPSHOT = Snapshot(Path("unused"), (ENTRY,))
INFO = RepoInfo(REPO, "https://hub.test/app", "a" * 40, Visibility.PRIVATE, "static")
HELD = (RemoteFile(".gitattributes", 1, "3" * 40), RemoteFile("README.md", 1, "4" * 40))


def test_a_missing_repo_is_created_and_gets_every_file_in_one_commit() -> None:
    plan = plan_deploy(replace(TARGET, visibility=Visibility.PRIVATE), SNAPSHOT, None)
    creation, commit = plan.changes
    assert creation == CreateRepo(Visibility.PRIVATE, Sdk.STATIC)
    assert isinstance(commit, CommitFiles)
    assert [put.entry for put in commit.puts] == [ENTRY]
    assert (plan.base, plan.creates) == (None, True)


def test_what_is_equal_needs_nothing() -> None:
    held = (*HELD, RemoteFile("index.html", 3, ENTRY.blob_id))
    plan = plan_deploy(TARGET, SNAPSHOT, Remote(INFO, held))
    assert (plan.changes, plan.unchanged_files) == ((), 1)


def test_a_mirror_spares_what_the_hub_made_a_space_with() -> None:
    held = (*HELD, RemoteFile("old.html", 3, "5" * 40))
    assert plan_deploy(replace(TARGET, mirror=True), SNAPSHOT, Remote(INFO, held)).deletions == ("old.html",)


def test_a_mirror_deletes_a_models_readme() -> None:
    repo = replace(REPO, type=RepoType.MODEL)
    target = Target(repo, "title", mirror=True)
    plan = plan_deploy(target, SNAPSHOT, Remote(replace(INFO, repo=repo), HELD))
    assert plan.deletions == ("README.md",)


def test_who_may_see_it_is_tightened_before_and_loosened_after_the_files() -> None:
    opened = plan_deploy(replace(TARGET, visibility=Visibility.PUBLIC), SNAPSHOT, Remote(INFO, HELD))
    assert [type(change) for change in opened.changes] == [CommitFiles, SetVisibility]
    public = replace(INFO, visibility=Visibility.PUBLIC)
    closed = plan_deploy(replace(TARGET, visibility=Visibility.PRIVATE), SNAPSHOT, Remote(public, HELD))
    assert [type(change) for change in closed.changes] == [SetVisibility, CommitFiles]


def test_the_plan_speaks_of_the_repo_as_the_hub_spells_it() -> None:
    moved = replace(INFO, repo=replace(REPO, name="renamed"))
    assert plan_deploy(TARGET, SNAPSHOT, Remote(moved, HELD)).repo.name == "renamed"


def test_a_model_needs_no_card() -> None:
    target = Target(replace(REPO, type=RepoType.MODEL), "title")
    snapshot = replace(SNAPSHOT, card=Card("# no front matter", has_front_matter=False, sdk=None))
    assert plan_deploy(target, snapshot, None).changes[0] == CreateRepo(None, None)

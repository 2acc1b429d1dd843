from dataclasses import asdict, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.model import (
    Card,
    CommitFiles,
    CreateRepo,
    FileEntry,
    Gated,
    Plan,
    Remote,
    RemoteFile,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    SetGated,
    SetHardware,
    SetVariable,
    SetVisibility,
    Snapshot,
    Target,
    Variable,
    Visibility,
)
from hfdeploy_core.planning.deploy import plan_deploy
from hfdeploy_core.planning.parts import Limits

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


PATHS = st.sampled_from(["README.md", "a", "b", "c/d", "c/e", "f.bin"])
TREES = st.dictionaries(PATHS, st.sampled_from("123"), min_size=1)
WISHES = st.fixed_dictionaries(
    {"mirror": st.booleans(), "allow_partial": st.booleans()},
    optional={
        "visibility": st.sampled_from(Visibility),
        "gated": st.sampled_from(Gated),
        "hardware": st.sampled_from(["cpu-basic", "cpu-upgrade"]),
        "variables": st.sampled_from([(Variable("A", "1"),), (Variable("A", "2"), Variable("B", "1"))]),
    },
)
DOCKER = Card("", has_front_matter=True, sdk="docker")


def snapshot_of(tree: dict[str, str]) -> Snapshot:
    entries = tuple(FileEntry(path, 5, content * 40, content * 64) for path, content in tree.items())
    return Snapshot(Path("unused"), entries, card=DOCKER if "README.md" in tree else None)


def carry_out(plan: Plan, held: Remote | None) -> Remote:
    """What a Hub would hold after the plan: a model of it, as simple as can be."""
    for change in plan.changes:
        match change:
            case CreateRepo(visibility=visibility, sdk=sdk):
                seen = visibility or Visibility.PUBLIC
                info = RepoInfo(plan.repo, "", "0" * 40, seen, sdk, hardware="cpu-basic")
                held = Remote(info, HELD)
            case CommitFiles():
                assert held is not None
                files = {file.path: file for file in held.files if file.path not in change.deletions}
                for put in change.puts:
                    assert put.replaces is (put.entry.path in files) or plan.creates
                    files[put.entry.path] = RemoteFile(put.entry.path, 5, put.entry.blob_id)
                held = replace(held, files=tuple(files.values()))
                if change.sdk is not None:
                    assert held.info.sdk == change.sdk_before
                    held = replace(held, info=replace(held.info, sdk=change.sdk))
            case SetVariable(name=name, value=value):
                assert held is not None
                others = tuple(variable for variable in held.variables if variable.name != name)
                held = replace(held, variables=(*others, Variable(name, value)))
            case SetVisibility() | SetGated() | SetHardware():
                assert held is not None
                (name, value) = next(iter(asdict(change).items()))
                assert getattr(held.info, name) == change.before
                held = replace(held, info=replace(held.info, **{name: value}))
            case _:
                raise AssertionError(change)
    assert held is not None
    return held


@given(TREES, WISHES, TREES, WISHES, st.randoms())
def test_a_plan_leads_to_its_target_whatever_was_there_and_then_there_is_none(
    first_tree, first_wishes, tree, wishes, random
) -> None:
    limits = Limits(regular_bytes=12)
    target = Target(REPO, "title", sdk=Sdk.DOCKER, **first_wishes)
    held = carry_out(plan_deploy(target, snapshot_of(first_tree), None, limits=limits), None)
    target = Target(REPO, "title", sdk=Sdk.DOCKER, **wishes)
    plan = plan_deploy(target, snapshot_of(tree), held, limits=limits)

    shuffled = Remote(held.info, tuple(random.sample(held.files, len(held.files))), variables=held.variables)
    entries = snapshot_of(dict(random.sample(sorted(tree.items()), len(tree))))
    assert plan_deploy(target, entries, shuffled, limits=limits) == plan

    after = carry_out(plan, held)
    assert {file.path: file.blob_id[0] for file in after.files}.items() >= tree.items()
    if target.mirror:
        assert {file.path for file in after.files} == tree.keys() | {".gitattributes", "README.md"}
    for name in ("visibility", "gated", "hardware"):
        if name in wishes:
            assert getattr(after.info, name) == wishes[name]
    assert set(after.variables) >= set(target.variables)
    assert plan_deploy(target, snapshot_of(tree), after, limits=limits).changes == ()


@given(TREES, TREES)
def test_a_mirror_deletes_at_least_what_is_deleted_without_it(tree, held) -> None:
    remote = Remote(INFO, tuple(RemoteFile(path, 5, content * 40) for path, content in held.items()))
    snapshot = replace(snapshot_of(tree), card=None)
    without = plan_deploy(TARGET, snapshot, remote)
    mirrored = plan_deploy(replace(TARGET, mirror=True), snapshot, remote)
    assert set(mirrored.deletions) >= set(without.deletions)
    assert mirrored.puts == without.puts


def test_a_plan_says_where_the_card_changes_what_runs_the_space() -> None:
    snapshot = snapshot_of({"README.md": "9"})
    commit = plan_deploy(replace(TARGET, sdk=None), snapshot, Remote(INFO, HELD)).changes[-1]
    assert isinstance(commit, CommitFiles)
    assert (commit.sdk, commit.sdk_before) == (Sdk.DOCKER, "static")

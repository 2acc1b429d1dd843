from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.model import (
    Change,
    CommitFiles,
    CommitInfo,
    CreateRepo,
    Gated,
    Remote,
    RemoteFile,
    RemoveVariable,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Target,
    Variable,
    Visibility,
    Volume,
)
from hfdeploy_core.planning.history import History, Step
from hfdeploy_core.planning.rollback import (
    Recalled,
    decide_earlier,
    find_others,
    plan_rollback,
    recall_settings,
)
from hfdeploy_core.planning.settings import SettingChanges

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
TARGET = Target(SPACE, "")
INFO = RepoInfo(SPACE, "", "head", Visibility.PRIVATE)


def deploy(name: str) -> CommitInfo:
    return CommitInfo(name, name, f"hfdeploy-content: {name}\nhfdeploy-digest: d-{name}")


def part(name: str) -> CommitInfo:
    return CommitInfo(name, name, f"hfdeploy-digest: d-{name}")


def back(name: str, to: str) -> CommitInfo:
    message = f"hfdeploy-rollback: {to}\nhfdeploy-content: {to}\nhfdeploy-digest: d-{name}"
    return CommitInfo(name, name, message)


def other(name: str) -> CommitInfo:
    return CommitInfo(name, name, "")


def decide(*commits: CommitInfo, failed: frozenset[str] = frozenset()) -> str | None:
    """Of commits in the order in which they were made."""
    earlier = decide_earlier(commits[::-1], failed)
    return earlier and earlier.id


def test_the_deploy_before_the_live_one_is_gone_back_to() -> None:
    assert decide(other("initial"), deploy("a"), deploy("b")) == "a"
    assert decide(deploy("a"), part("b1"), deploy("b2")) == "a"
    assert decide(deploy("a"), deploy("b"), other("x")) == "b"
    assert decide(deploy("a"), other("x"), deploy("b")) == "a"


def test_what_was_rolled_back_is_not_gone_back_to() -> None:
    assert decide(deploy("a"), deploy("b"), deploy("c"), back("r", "b")) == "a"
    assert decide(deploy("a"), deploy("b"), back("r", "a"), deploy("c")) == "a"
    assert decide(deploy("a"), back("r", "forgotten"), deploy("c")) == "r"
    assert decide(deploy("a"), other("x"), deploy("b"), back("r", "x"), deploy("c")) == "r"


def test_without_an_earlier_deploy_there_is_none() -> None:
    assert decide() is None
    assert decide(other("initial"), deploy("a")) is None
    assert decide(other("initial"), other("x")) is None
    assert decide(deploy("a"), deploy("b"), failed=frozenset("a")) is None


def test_a_deploy_that_failed_is_passed_over() -> None:
    assert decide(deploy("a"), deploy("b"), deploy("c"), failed=frozenset("b")) == "a"


@given(st.lists(st.tuples(st.sampled_from("dox"), st.integers(0, 9)), max_size=12))
def test_going_back_again_and_again_meets_each_standing_deploy_once(steps: list[tuple[str, int]]) -> None:
    commits: list[CommitInfo] = []
    for number, (kind, choice) in enumerate(steps):
        name = str(number)
        deploys = [commit.id for commit in commits if "rollback" not in commit.message and commit.message]
        if kind == "d" or (kind == "x" and not deploys):
            commits.append(deploy(name))
        else:
            commits.append(other(name) if kind == "o" else back(name, deploys[choice % len(deploys)]))
    met = []
    while (earlier := decide_earlier(commits[::-1])) is not None:
        met.append(int(earlier.id))
        commits.append(back(str(len(commits)), earlier.id))
    assert met == sorted(set(met), reverse=True)


def test_what_others_committed_since_is_told() -> None:
    commits = [deploy("c"), other("x"), deploy("b"), other("y")]
    assert [commit.id for commit in find_others(commits, "b")] == ["x"]
    assert [commit.id for commit in find_others(commits, "forgotten")] == ["x", "y"]


Files = dict[str, tuple[str, bool]]
FILES = st.dictionaries(
    st.sampled_from(["a", "b", "c", ".gitattributes", "README.md", "d/e"]),
    st.tuples(st.sampled_from("123"), st.booleans()),
)


def tree(files: Files) -> list[RemoteFile]:
    return [
        RemoteFile(path, 1, f"{content}{is_large}", content * 64 if is_large else None)
        for path, (content, is_large) in files.items()
    ]


@given(FILES, FILES)
def test_the_tree_ends_as_it_was(before: Files, now: Files) -> None:
    plan = plan_rollback(deploy("e"), tree(before), Remote(INFO, tuple(tree(now))), SettingChanges(), TARGET)
    held = {file.path: (file.blob_id, file.sha256) for file in tree(now) if file.path not in plan.deletions}
    held |= {put.entry.path: (put.entry.blob_id, put.entry.sha256) for put in plan.puts}
    assert held == {file.path: (file.blob_id, file.sha256) for file in tree(before)}
    assert (plan.restores, plan.content, plan.base) == ("e", "e", "head")
    assert bool(plan.changes) == (before != now)


VOLUME = Volume("model", "a/b", "/m")


def done(change: Change, plan: str, commit: str | None = None, repo: RepoRef = SPACE) -> Step:
    return Step(repo, plan, 0, True, change, commit, "")


FIRST = (
    done(CreateRepo(Visibility.PRIVATE, Sdk.DOCKER), "p1", "initial"),
    done(SetVariable("A", "1", None), "p1"),
    done(CommitFiles((), (), "t"), "p1", "a"),
    done(SetVisibility(Visibility.PUBLIC, Visibility.PRIVATE), "p1"),
)
SECOND = (
    done(SetHardware("t4-small", "cpu-basic"), "p2"),
    done(SetVariable("A", "2", "1"), "p2"),
    done(SetVariable("B", "1", None), "p2"),
    done(SetSecret("KEY", replaces=True), "p2"),
    done(CommitFiles((), (), "t"), "p2", "b"),
    done(SetGated(Gated.AUTO, Gated.NONE), "p2"),
    done(SetSleep(60, None), "p2"),
)
THIRD = (
    done(SetVariable("A", "3", "2"), "p3"),
    done(SetVolumes((), (VOLUME,)), "p3"),
    done(RemoveVariable("C", "gone"), "p3"),
    done(SetSleep(90, 60), "p4"),
)


def test_settings_are_what_they_were_when_the_earlier_deploy_was_done() -> None:
    history = History((*FIRST, *SECOND, *THIRD))
    recalled = recall_settings(history, SPACE, "a", {"b"})
    assert recalled == Recalled(
        Target(
            SPACE,
            "",
            gated=Gated.NONE,
            hardware="cpu-basic",
            volumes=(VOLUME,),
            variables=(Variable("A", "1"), Variable("C", "gone")),
            removed_variables=("B",),
        ),
        (SetSecret("KEY", replaces=True), SetSleep(60, None)),
    )
    assert recall_settings(history, SPACE, "b", ()).target == Target(
        SPACE, "", volumes=(VOLUME,), variables=(Variable("A", "2"), Variable("C", "gone")), sleep_seconds=60
    )


def test_where_the_journal_knows_only_what_came_later_that_is_undone() -> None:
    recalled = recall_settings(History((*SECOND, *THIRD)), SPACE, "a", {"b"})
    assert recalled.target.hardware == "cpu-basic"


def test_of_others_and_of_what_was_only_intended_nothing_is_undone() -> None:
    nothing = Recalled(TARGET)
    assert recall_settings(History((*FIRST, *SECOND)), SPACE, "forgotten", ()) == nothing
    elsewhere = done(SetGated(Gated.AUTO, Gated.NONE), "p1", repo=RepoRef(RepoType.SPACE, "alice", "b"))
    assert recall_settings(History((*FIRST, elsewhere)), SPACE, "a", ()) == nothing
    intended = Step(SPACE, "p2", 0, False, SetGated(Gated.AUTO, Gated.NONE), None, "")
    assert recall_settings(History((*FIRST, intended)), SPACE, "a", ()) == nothing

from hfdeploy_core.model import (
    Change,
    CommitInfo,
    CreateRepo,
    HeldSecret,
    Remote,
    RepoInfo,
    RepoRef,
    RepoType,
    SetHardware,
    SetSecret,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Variable,
    Visibility,
    Volume,
)
from hfdeploy_core.planning.history import History, KnownSecret, Step
from hfdeploy_core.planning.status import Deployed, Drift, find_deployed, find_drift, recall_left

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
INFO = RepoInfo(SPACE, "", "head", Visibility.PUBLIC, hardware="t4-small")
VOLUME = Volume("model", "a/b", "/m")


def step(change: Change, *, is_done: bool = True, repo: RepoRef = SPACE) -> Step:
    return Step(repo, "p", 0, is_done, change, None, "")


def drift(*steps: Step, remote: Remote, secrets: tuple[KnownSecret, ...] = ()) -> tuple[Drift, ...]:
    history = History(steps, secrets)
    return find_drift(recall_left(history, SPACE), remote, history)


def test_the_latest_deploy_tells_where_it_came_from() -> None:
    message = (
        "words\n\nhfdeploy-rollback: r\nhfdeploy-source: s\nhfdeploy-commit: c\nhfdeploy-run: u\n"
        "hfdeploy-content: x\nhfdeploy-digest: d"
    )
    commits = [CommitInfo("3", "theirs", ""), CommitInfo("2", "t", message), CommitInfo("1", "o", message)]
    assert find_deployed(commits) == Deployed("2", "t", "s", "c", "u", "r")
    assert find_deployed(commits[:1]) is None


def test_what_is_as_it_was_left_is_no_drift() -> None:
    left = (
        step(SetHardware("cpu-upgrade", "cpu-basic")),
        step(SetHardware("t4-small", "cpu-upgrade")),
        step(SetVariable("A", "1", None)),
        step(SetSecret("KEY", replaces=False)),
    )
    remote = Remote(INFO, (), variables=(Variable("A", "1"),), secrets=(HeldSecret("KEY", "t1"),))
    assert drift(*left, remote=remote, secrets=(KnownSecret(SPACE, "KEY", "m", "t1"),)) == ()


def test_a_repo_that_was_made_is_left_as_it_was_made_whatever_one_of_its_name_had() -> None:
    former, made = step(SetHardware("t4-small", None)), step(CreateRepo(Visibility.PRIVATE, None))
    assert drift(former, made, remote=Remote(INFO, ())) == (Drift("visibility", "private", "public"),)
    assert drift(former, step(CreateRepo(None, None)), remote=Remote(INFO, ())) == ()


def test_what_is_not_is_told_with_both_values() -> None:
    left = (
        step(SetHardware("cpu-basic", "t4-small")),
        step(SetVisibility(Visibility.PRIVATE, Visibility.PUBLIC)),
        step(SetVariable("A", "1", None)),
        step(SetVolumes((VOLUME,), ())),
        step(SetSecret("KEY", replaces=False)),
        step(SetSecret("GONE", replaces=False)),
    )
    secrets = (KnownSecret(SPACE, "KEY", "m", "t1"), KnownSecret(SPACE, "GONE", "m", "t1"))
    remote = Remote(INFO, (), secrets=(HeldSecret("KEY", "t2"),))
    assert drift(*left, remote=remote, secrets=secrets) == (
        Drift("hardware", "cpu-basic", "t4-small"),
        Drift("visibility", "private", "public"),
        Drift("variable A", "1", "none"),
        Drift("list of volumes", "/m", "none"),
        Drift("secret KEY", "sent from here", "sent by somebody else"),
        Drift("secret GONE", "sent from here", "none"),
    )


def test_of_what_was_only_intended_last_or_elsewhere_nothing_is_said() -> None:
    other = RepoRef(RepoType.MODEL, "alice", "app")
    steps = (
        step(SetHardware("cpu-basic", "t4-small")),
        step(SetHardware("cpu-upgrade", "cpu-basic"), is_done=False),
        step(SetVisibility(Visibility.PRIVATE, Visibility.PUBLIC), repo=other),
    )
    assert drift(*steps, remote=Remote(INFO, ())) == ()

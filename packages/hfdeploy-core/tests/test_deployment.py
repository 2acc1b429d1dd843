import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfdeploy_core import apply, deploy, plan
from hfdeploy_core.errors import (
    CardInvalid,
    CommitTooLarge,
    Conflict,
    DeployError,
    LinkRefused,
    PermissionRefused,
    PlanStale,
    RepoNameInvalid,
    SdkMissing,
    SettingInvalid,
    SourceEmpty,
    SourceMissing,
    StateUnwritable,
    TokenRejected,
)
from hfdeploy_core.events import Event, Finished, Planned, Warned
from hfdeploy_core.model import Account, RepoRef, RepoType, Sdk, Source, Target, Visibility
from hfdeploy_core.planning.deploy import plan_deploy
from hfdeploy_core.planning.parts import Limits
from hfdeploy_core.source.scan import scan
from hfdeploy_core.testing import FakeHub


def git(root, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


SPACE = RepoRef(RepoType.SPACE, "alice", "app")
MODEL = RepoRef(RepoType.MODEL, "alice", "app")
CARD = "---\nsdk: static\n---\n"


def test_a_new_space_gets_one_commit_on_top_of_the_initial_one(
    hub: FakeHub, write, told: list[Event]
) -> None:
    root = write({"README.md": CARD, "index.html": "<p>", "big.bin": b"x" * 5000})
    outcome = deploy(root, "alice/app", message="First\n\nwith more", on_event=told.append, hub=hub)
    repo = hub.repos[SPACE]
    assert [commit.title for commit in repo.commits] == ["initial commit", "First"]
    assert repo.files["big.bin"] == b"x" * 5000
    assert repo.commits[-1].message.startswith("with more\n\nhfdeploy-content: ")
    assert (outcome.repo_id, outcome.commit, outcome.created) == ("alice/app", repo.commits[-1].id, True)
    assert outcome.space_url == "https://alice-app.space.test"
    assert told[-1] == Finished(outcome)
    assert "list_files" not in hub.calls


def test_the_second_time_there_is_nothing_to_do(hub: FakeHub, write) -> None:
    root = write({"README.md": CARD, "index.html": "<p>", "big.bin": b"x" * 5000})
    first = deploy(root, "alice/app", hub=hub)
    hub.calls.clear()
    second = deploy(root, "app", mirror=True, hub=hub)
    assert hub.calls == ["whoami", "find_head"]
    assert (second.commit, second.changed, second.files_unchanged) == (first.commit, False, 3)


def test_where_somebody_else_committed_the_files_are_compared(hub: FakeHub, write) -> None:
    root = write({"a": "1", "big": b"x" * 5000})
    deploy(root, "app", repo_type="model", hub=hub)
    hub.push(MODEL, {**hub.repos[MODEL].files, "a": b"theirs"})
    hub.calls.clear()
    outcome = deploy(root, "alice/app", repo_type="model", hub=hub)
    assert hub.calls == ["find_head", "list_files", "check_write", "stage", "commit"]
    assert (outcome.files_updated, outcome.files_unchanged) == (1, 1)


def test_a_mirror_trusts_only_a_head_that_holds_nothing_else(hub: FakeHub, write) -> None:
    root = write({"a": "1"})
    deploy(root, "app", repo_type="model", hub=hub)
    hub.push(MODEL, {**hub.repos[MODEL].files, "theirs": b"x"})
    deploy(write({"a": "2"}), "app", repo_type="model", hub=hub)
    assert "hfdeploy-exact" not in hub.repos[MODEL].commits[-1].message
    assert deploy(root, "app", repo_type="model", mirror=True, hub=hub).files_deleted == 1
    hub.calls.clear()
    assert not deploy(root, "alice/app", repo_type="model", mirror=True, hub=hub).changed
    assert "hfdeploy-exact: yes" in hub.repos[MODEL].commits[-1].message
    assert hub.calls == ["find_head"]


def test_one_changed_file_of_a_checkout_needs_no_listing(hub: FakeHub, write) -> None:
    root = write({"a": "1", "b/c": "2"})
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        git(root, *arguments)
    deploy(root, "app", repo_type="model", hub=hub)
    write({"a": "3"})
    git(root, "commit", "-qam", "y")
    hub.calls.clear()
    outcome = deploy(root, "alice/app", repo_type="model", hub=hub)
    assert hub.calls == ["find_head", "check_write", "stage", "commit"]
    assert (outcome.files_updated, outcome.files_unchanged) == (1, 1)
    assert hub.repos[MODEL].files["a"] == b"3"
    assert f"hfdeploy-commit: {git(root, 'rev-parse', 'HEAD')}" in hub.repos[MODEL].commits[-1].message


def test_a_large_file_that_git_names_is_compared_by_what_the_hub_calls_it(hub: FakeHub, write) -> None:
    root = write({"a": "1", "big": b"x" * 5000})
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        git(root, *arguments)
    deploy(root, "app", repo_type="model", hub=hub)
    hub.push(MODEL, hub.repos[MODEL].files)
    assert not deploy(root, "app", repo_type="model", hub=hub).changed


def test_what_the_hub_ignores_is_no_change(write) -> None:
    hub = FakeHub(ignored=frozenset({"x.log"}))
    root = write({"a": "1", "x.log": "2"})
    assert deploy(root, "app", repo_type="model", hub=hub).changed
    again = deploy(root, "app", repo_type="model", hub=hub)
    assert (again.changed, again.commit) == (False, hub.repos[MODEL].commits[-1].id)
    assert hub.calls.count("commit") == 1


def test_only_what_changed_is_sent(hub: FakeHub, write) -> None:
    deploy(write({"README.md": CARD, "a": "1", "b": "2"}), "app", hub=hub)
    outcome = deploy(write({"b": "3", "c": "4"}), "app", hub=hub)
    assert (outcome.files_added, outcome.files_updated, outcome.files_unchanged) == (1, 1, 2)
    assert len(hub.repos[SPACE].commits) == 3


def test_a_space_without_readme_keeps_the_one_it_was_created_with(hub: FakeHub, write) -> None:
    deploy(write({"index.html": "<p>"}), "app", sdk="static", mirror=True, hub=hub)
    deploy(write({"index.html": "<b>"}), "app", mirror=True, hub=hub)
    assert hub.repos[SPACE].files["README.md"] == CARD.encode()


def test_what_was_not_asked_for_stays(hub: FakeHub, write) -> None:
    root = write({"config.json": "{}"})
    deploy(root, "app", repo_type="model", visibility="private", hub=hub)
    hub.push(MODEL, {**hub.repos[MODEL].files, "theirs.txt": b"x"})
    deploy(write({"config.json": "[]"}), "app", repo_type="model", hub=hub)
    assert hub.repos[MODEL].visibility is Visibility.PRIVATE
    assert "theirs.txt" in hub.repos[MODEL].files
    deploy(root, "app", repo_type="model", visibility="public", mirror=True, hub=hub)
    assert hub.repos[MODEL].visibility is Visibility.PUBLIC
    assert sorted(hub.repos[MODEL].files) == [".gitattributes", "config.json"]


@pytest.mark.parametrize(
    ("files", "repo", "options", "kind"),
    [
        ({}, "app", {}, SourceEmpty),
        ({".env": "x"}, "app", {}, SourceEmpty),
        ({"a": "x"}, "a/b/c", {}, RepoNameInvalid),
        ({"a": "x"}, "app", {}, SdkMissing),
        ({"a": "x"}, "app", {"sdk": "rust"}, SettingInvalid),
        ({"a": "x"}, "app", {"repo_type": "bucket"}, SettingInvalid),
        ({"a": "x"}, "app", {"sdk": "static", "type": "model"}, SettingInvalid),
        ({"a": "x"}, "app", {"sdk": "static", "visibility": "secret"}, SettingInvalid),
        ({"a": "x"}, "app", {"sdk": "static", "repo_type": "model"}, SettingInvalid),
        ({"a": "x"}, "app", {"sdk": "static", "message": " "}, SettingInvalid),
        ({"README.md": "# hi"}, "app", {"sdk": "static"}, CardInvalid),
        ({"README.md": CARD}, "app", {"sdk": "docker"}, SettingInvalid),
        ({"a": "x"}, "bob/app", {"sdk": "static"}, PermissionRefused),
    ],
)
def test_what_cannot_be_deployed_is_found_before_anything_is_written(
    hub: FakeHub, write, files, repo: str, options, kind: type[DeployError]
) -> None:
    with pytest.raises(kind) as caught:
        deploy(write(files), repo, hub=hub, **options)
    assert caught.value.remedy
    assert hub.writes == []


def test_a_missing_source_does_not_even_ask_the_hub_and_a_bad_link_changes_nothing(
    hub: FakeHub, write, tmp_path
) -> None:
    with pytest.raises(SourceMissing):
        deploy(tmp_path / "nowhere", "app", sdk="static", hub=hub)
    with pytest.raises(SourceMissing):
        deploy("", "app", sdk="static", hub=hub)
    assert hub.calls == []
    root = write({"a": "x"})
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(LinkRefused):
        deploy(root, "app", sdk="static", hub=hub)
    assert hub.writes == []


@pytest.mark.parametrize("method", ["whoami", "find_head", "list_files", "check_write", "check_card"])
def test_what_the_hub_says_before_the_first_write_stops_it(hub: FakeHub, write, method: str) -> None:
    deploy(write({"README.md": CARD}), "app", hub=hub)
    hub.account = Account("alice", "fineGrained")
    hub.push(SPACE, hub.repos[SPACE].files)
    hub.calls.clear()
    hub.fail(method, TokenRejected("No."))
    with pytest.raises(TokenRejected):
        deploy(write({"README.md": CARD + "changed"}), "app", hub=hub)
    assert hub.calls[-1] == method
    assert hub.writes == []


def test_a_token_for_reading_stops_a_change_but_not_a_look(hub: FakeHub, write) -> None:
    root = write({"README.md": CARD})
    deploy(root, "app", hub=hub)
    hub.account = Account("alice", "read")
    assert not deploy(root, "app", hub=hub).changed
    hub.calls.clear()
    for repo in ("app", "other"):
        with pytest.raises(PermissionRefused):
            deploy(write({"new": "x"}), repo, hub=hub)
    assert hub.writes == []


def test_secrets_left_out_are_told_and_a_token_in_the_message_is_masked(hub: FakeHub, write, told) -> None:
    root = write({"a": "x", ".env": "S=1"})
    deploy(root, "app", repo_type="dataset", message="use hf_abcdefghijk", on_event=told.append, hub=hub)
    assert Warned(".env is not deployed: files like this hold secrets.") in told
    repo = hub.repos[RepoRef(RepoType.DATASET, "alice", "app")]
    assert ".env" not in repo.files
    assert repo.commits[-1].title == "use [redacted]"


def test_the_plan_is_told_before_the_first_write(hub: FakeHub, write) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Planned):
            assert hub.writes == []
            assert (event.creates, event.visibility, event.files_added) == (True, "private", 1)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        deploy(write({"a": "x"}), "app", sdk="static", visibility="private", on_event=stop, hub=hub)
    assert hub.writes == []


NAMES = st.sampled_from(["a", "b c", "d/e", "d/ü.txt", "f/g/h"])
TREES = st.dictionaries(NAMES, st.binary(max_size=12), min_size=1)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(before=TREES, after=TREES)
def test_a_mirrored_deploy_leads_to_the_source_and_then_rests(tmp_path_factory, before, after) -> None:
    hub = FakeHub(large_bytes=6)
    for files in (before, after):
        root = tmp_path_factory.mktemp("source")
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        deploy(root, "app", repo_type="model", mirror=True, hub=hub)
    held = dict(hub.repos[MODEL].files)
    held.pop(".gitattributes")
    assert held == after
    assert not deploy(root, "app", repo_type="model", mirror=True, hub=hub).changed


def test_a_gitignore_that_is_not_utf8_is_refused(hub: FakeHub, write) -> None:
    with pytest.raises(CardInvalid, match="gitignore"):
        deploy(write({".gitignore": b"\xff\xfe"}), "app", repo_type="model", hub=hub)
    assert hub.writes == []


def test_a_plan_reads_only_and_apply_carries_it_out(hub: FakeHub, write, told) -> None:
    root = write({"README.md": CARD, "index.html": "<p>"})
    made = plan(root, "alice/app", hub=hub)
    assert (hub.writes, made.creates, len(made.puts)) == ([], True, 2)
    outcome = apply(made, hub=hub, on_event=told.append)
    assert (outcome.created, outcome.files_added, told[-1]) == (True, 2, Finished(outcome))
    assert hub.repos[SPACE].files["index.html"] == b"<p>"
    assert not plan(root, "alice/app", hub=hub).changes


def test_a_stale_plan_is_refused(hub: FakeHub, write) -> None:
    root = write({"README.md": CARD})
    first = plan(root, "alice/app", hub=hub)
    deploy(root, "alice/app", hub=hub)
    write({"index.html": "<p>"})
    second = plan(root, "alice/app", hub=hub)
    hub.push(SPACE, hub.repos[SPACE].files)
    hub.calls.clear()
    with pytest.raises(PlanStale, match="source was changed"):
        apply(first, hub=hub)
    with pytest.raises(PlanStale, match="committed to since"):
        apply(second, hub=hub)
    (root / "index.html").unlink()
    with pytest.raises(PlanStale, match="committed to since"):
        apply(first, hub=hub)
    gone = plan(root, "alice/app", hub=hub)
    del hub.repos[SPACE]
    with pytest.raises(PlanStale, match="gone since"):
        apply(gone, hub=hub)
    assert hub.writes == []
    hub.create_repo(SPACE, None, Sdk.STATIC)
    with pytest.raises(PlanStale, match="created since"):
        apply(first, hub=hub)
    assert hub.writes == ["create_repo"]


def test_a_plan_that_was_applied_changes_nothing_the_second_time(hub: FakeHub, write) -> None:
    made = plan(write({"README.md": CARD}), "alice/app", visibility="public", hub=hub)
    first = apply(made, hub=hub)
    hub.calls.clear()
    again = apply(made, hub=hub)
    assert (again.commit, again.changed, hub.writes) == (first.commit, False, [])


DOCKER = "---\nsdk: docker\n---\n"


def test_a_secret_is_sent_again_only_if_it_may_be_another(hub: FakeHub, write, told) -> None:
    root = write({"README.md": DOCKER})

    def send(value: str) -> list[str]:
        hub.calls.clear()
        told.clear()
        deploy(root, "alice/app", secrets={"KEY": value}, hub=hub, on_event=told.append)
        return hub.writes

    assert "set_secret" in send("first value")
    assert send("first value") == []
    assert send("other value") == ["set_secret"]
    assert hub.repos[SPACE].secrets["KEY"][0] == "other value"
    hub.set_secret(SPACE, "KEY", "theirs")
    assert send("other value") == ["set_secret"]
    (root / ".hfdeploy" / "journal.jsonl").unlink()
    assert send("other value") == ["set_secret"]
    assert any("secret KEY is sent again" in event.message for event in told if isinstance(event, Warned))
    kept = b"".join(path.read_bytes() for path in (root / ".hfdeploy").iterdir())
    assert b"value" not in kept


def during_commit(hub: FakeHub, monkeypatch, *pushes: Callable[[], object]) -> None:
    """Let others push: one of them right before each of the next commits."""
    commit, rest = hub.commit, list(pushes)

    def late(*arguments, **options):
        if rest:
            rest.pop(0)()
        return commit(*arguments, **options)

    monkeypatch.setattr(hub, "commit", late)


def test_where_somebody_commits_other_files_it_is_planned_again(hub: FakeHub, write, monkeypatch) -> None:
    root = write({"a": "1", "b": "1"})
    deploy(root, "alice/app", repo_type="model", hub=hub)
    held = hub.repos[MODEL]
    during_commit(
        hub,
        monkeypatch,
        lambda: hub.push(MODEL, {**held.files, "theirs": b"x"}),
        lambda: hub.push(MODEL, {**held.files, "theirs": b"y"}),
    )
    told: list[Event] = []
    outcome = deploy(
        write({"a": "2"}),
        "alice/app",
        repo_type="model",
        visibility="private",
        hub=hub,
        on_event=told.append,
    )
    assert outcome.changed
    assert told.count(Warned("model alice/app was changed by somebody else meanwhile. Planning again.")) == 2
    assert {"a": b"2", "b": b"1", "theirs": b"y"}.items() <= held.files.items()
    assert hub.calls.count("set_visibility") == 1


@pytest.mark.parametrize(
    ("theirs", "mirror"),
    [({"a": b"theirs"}, False), ({"b": b"theirs"}, False), ({"new": b"theirs"}, True)],
)
def test_what_somebody_else_did_is_not_undone_unasked(
    hub: FakeHub, write, monkeypatch, theirs, mirror: bool
) -> None:
    deploy(write({"a": "1", "b": "1"}), "alice/app", repo_type="model", hub=hub)
    held = hub.repos[MODEL]
    during_commit(hub, monkeypatch, lambda: hub.push(MODEL, {**held.files, **theirs}))
    (path,) = theirs
    with pytest.raises(Conflict, match=f"Somebody else changed {path} of") as caught:
        deploy(write({"a": "2"}), "alice/app", repo_type="model", mirror=mirror, hub=hub)
    assert "run it again" in caught.value.remedy
    assert held.commits[-1].title == "pushed"
    deploy(write({"a": "2"}), "alice/app", repo_type="model", mirror=True, hub=hub)
    assert {path: content for path, content in held.files.items() if path != ".gitattributes"} == {
        "a": b"2",
        "b": b"1",
    }


def test_somebody_who_never_stops_committing_wins(hub: FakeHub, write, monkeypatch) -> None:
    deploy(write({"a": "1"}), "alice/app", repo_type="model", hub=hub)
    held = hub.repos[MODEL]
    during_commit(
        hub, monkeypatch, *[lambda n=n: hub.push(MODEL, {**held.files, "n": b"%d" % n}) for n in range(9)]
    )
    hub.calls.clear()
    with pytest.raises(Conflict):
        deploy(write({"a": "2"}), "alice/app", repo_type="model", hub=hub)
    assert hub.calls.count("commit") == 3


def test_a_new_repo_that_somebody_commits_to_at_once_is_planned_again(
    hub: FakeHub, write, monkeypatch
) -> None:
    during_commit(hub, monkeypatch, lambda: hub.push(MODEL, {**hub.repos[MODEL].files, "theirs": b"x"}))
    outcome = deploy(write({"a": "1"}), "alice/app", repo_type="model", hub=hub)
    assert (outcome.created, outcome.changed, outcome.files_added) == (True, True, 1)
    assert {"a": b"1", "theirs": b"x"}.items() <= hub.repos[MODEL].files.items()


def test_a_saved_plan_is_not_planned_again(hub: FakeHub, write, monkeypatch) -> None:
    deploy(write({"a": "1"}), "alice/app", repo_type="model", hub=hub)
    made = plan(write({"a": "2"}), "alice/app", repo_type="model", hub=hub)
    during_commit(hub, monkeypatch, lambda: hub.push(MODEL, {**hub.repos[MODEL].files, "theirs": b"x"}))
    with pytest.raises(Conflict):
        apply(made, hub=hub)
    assert hub.repos[MODEL].files["a"] == b"1"


def test_what_is_too_much_for_one_commit_needs_consent(hub: FakeHub, write, told) -> None:
    root = write({"README.md": CARD, **{f"f{n}": "x" * 10 for n in range(5)}})
    target = Target(SPACE, "title", sdk=Sdk.STATIC)
    parts = plan_deploy(target, scan(root), None, limits=Limits(regular_bytes=25))
    parts = replace(parts, source=Source(str(root)))
    with pytest.raises(CommitTooLarge, match="would need 4 commits") as caught:
        apply(parts, hub=hub)
    assert "--allow-partial" in caught.value.remedy
    assert hub.writes == []
    apply(replace(parts, allows_partial=True), hub=hub)
    titles = [commit.title for commit in hub.repos[SPACE].commits[1:]]
    assert titles == [f"title (part {n} of 4)" for n in range(1, 5)]
    exact = ["hfdeploy-exact" in commit.message for commit in hub.repos[SPACE].commits[1:]]
    assert exact == [False, False, False, True]
    assert not plan(root, "alice/app", mirror=True, hub=hub).changes


def test_a_journal_that_cannot_be_written_stops_it_before_the_first_write(hub: FakeHub, write) -> None:
    root = write({"a": "1"})
    (root.parent / "state").write_text("a file")
    with pytest.raises(StateUnwritable) as caught:
        deploy(root, "alice/app", repo_type="model", state=root.parent / "state", hub=hub)
    assert "--state" in caught.value.remedy
    assert hub.writes == []


def test_a_token_for_reading_may_plan_but_not_apply(hub: FakeHub, write) -> None:
    deploy(write({"a": "1"}), "alice/app", repo_type="model", hub=hub)
    hub.account = Account("alice", "read")
    hub.calls.clear()
    made = plan(write({"a": "2"}), "alice/app", repo_type="model", hub=hub)
    assert made.changes
    with pytest.raises(PermissionRefused):
        apply(made, hub=hub)
    assert hub.writes == []


def test_a_plan_needs_the_values_of_its_secrets(hub: FakeHub, write) -> None:
    made = plan(write({"README.md": DOCKER}), "alice/app", secrets={"KEY": "a value"}, hub=hub)
    with pytest.raises(SettingInvalid, match="secret KEY, whose value is not given") as caught:
        apply(made, hub=hub)
    assert "Set KEY in the environment" in caught.value.remedy
    with pytest.raises(SettingInvalid, match="secret KEY is empty"):
        apply(made, secrets={"KEY": ""}, hub=hub)
    assert hub.writes == []


def test_what_is_committed_while_it_is_planned_again_is_not_undone_either(
    hub: FakeHub, write, monkeypatch
) -> None:
    deploy(write({"a": "1"}), "alice/app", repo_type="model", hub=hub)
    held, find_head = hub.repos[MODEL], hub.find_head
    during_commit(hub, monkeypatch, lambda: hub.push(MODEL, {**held.files, "theirs": b"x"}))
    looks = []

    def late(repo: RepoRef):
        looks.append(repo)
        if len(looks) == 2:
            hub.push(MODEL, {**held.files, "a": b"theirs"})
        return find_head(repo)

    monkeypatch.setattr(hub, "find_head", late)
    with pytest.raises(Conflict, match="Somebody else changed a of"):
        deploy(write({"a": "2"}), "alice/app", repo_type="model", hub=hub)
    assert held.files["a"] == b"theirs"


def test_a_conflict_that_is_nobodys_commit_is_told_at_once(hub: FakeHub, write) -> None:
    deploy(write({"a": "1"}), "alice/app", repo_type="model", hub=hub)
    hub.calls.clear()
    hub.fail("commit", Conflict("No."), times=9)
    with pytest.raises(Conflict, match="No"):
        deploy(write({"a": "2"}), "alice/app", repo_type="model", hub=hub)
    assert hub.calls.count("commit") == 1

import os

import pytest

from hfdeploy_core.applying.commit import commit_files
from hfdeploy_core.errors import AnswerLost, Conflict, HubUnreachable, SourceChanged, UploadFailed
from hfdeploy_core.events import Uploading, Warned
from hfdeploy_core.model import CommitFiles, PutFile, RepoRef, RepoType
from hfdeploy_core.source.scan import scan
from hfdeploy_core.testing import FakeHub

MODEL = RepoRef(RepoType.MODEL, "alice", "app")


@pytest.fixture
def run(hub: FakeHub, write, clock, told):
    hub.create_repo(MODEL, None, None)
    parent = hub.repos[MODEL].commits[-1].id
    snapshot = scan(write({"a.txt": "a", "b.txt": "b"}))
    puts = tuple(PutFile(entry, replaces=False) for entry in snapshot.entries)

    def run(hub: FakeHub = hub, **change) -> str:
        commit = CommitFiles(**{"puts": puts, "deletions": (), "title": "t", **change})
        return commit_files(
            commit,
            snapshot,
            hub,
            MODEL,
            parent=parent,
            digest="d1",
            description=f"{commit.description}\n\nhfdeploy-digest: d1",
            clock=clock,
            on_event=told.append,
        )

    return run


def test_it_is_one_commit_with_the_digest(hub: FakeHub, run, told) -> None:
    made = run(description="words")
    commits = hub.repos[MODEL].commits
    assert (made, len(commits)) == (commits[-1].id, 2)
    assert commits[-1].message == "words\n\nhfdeploy-digest: d1"
    assert told == [Uploading(2, 0, 2), Uploading(2, 2, 2)]


def test_deletions_alone_make_a_commit_and_no_progress(hub: FakeHub, run, told) -> None:
    run(puts=(), deletions=(".gitattributes",))
    assert hub.repos[MODEL].files == {}
    assert told == []


def test_a_commit_whose_answer_was_lost_is_recognised_and_not_made_twice(hub: FakeHub, run, clock) -> None:
    hub.fail("commit", AnswerLost("gone."), after_effect=True)
    assert run() == hub.repos[MODEL].commits[-1].id
    assert len(hub.repos[MODEL].commits) == 2
    assert clock.naps == []


def test_a_commit_that_was_not_made_is_made_again(hub: FakeHub, run, clock) -> None:
    hub.fail("commit", AnswerLost("gone."), times=2)
    run()
    assert len(hub.repos[MODEL].commits) == 2
    assert len(clock.naps) == 2


def test_a_lost_commit_under_somebody_elses_is_recognised_too(hub: FakeHub, run, monkeypatch) -> None:
    hub.fail("commit", AnswerLost("gone."), after_effect=True)
    look = hub.recent_commits

    def late(repo: RepoRef):
        monkeypatch.setattr(hub, "recent_commits", look)
        commits = look(repo)
        hub.push(repo, hub.repos[repo].files)
        return commits[1:]

    monkeypatch.setattr(hub, "recent_commits", late)
    assert run() == hub.repos[MODEL].commits[1].id
    assert len(hub.repos[MODEL].commits) == 3


def test_answers_that_stay_lost_end_it(hub: FakeHub, run) -> None:
    hub.fail("commit", AnswerLost("gone."), times=99)
    with pytest.raises(AnswerLost):
        run()
    assert hub.calls.count("commit") == 4


def test_where_a_lost_commit_cannot_be_looked_for_it_is_said_that_nobody_knows(hub: FakeHub, run) -> None:
    hub.fail("commit", AnswerLost("gone."), after_effect=True)
    hub.fail("recent_commits", HubUnreachable("no answer."))
    with pytest.raises(AnswerLost) as caught:
        run()
    assert isinstance(caught.value.__cause__, HubUnreachable)


def test_a_head_that_moved_and_a_history_that_is_not_told_is_no_lost_commit(hub: FakeHub, run) -> None:
    hub.push(MODEL, {"theirs": b""})
    hub.fail("recent_commits", HubUnreachable("no answer."))
    with pytest.raises(HubUnreachable):
        run()


def test_a_head_that_moved_is_a_conflict(hub: FakeHub, run) -> None:
    hub.push(MODEL, {"theirs": b""}, message="hfdeploy-digest: d2")
    with pytest.raises(Conflict):
        run()
    assert len(hub.repos[MODEL].commits) == 2


def test_a_commit_that_a_killed_try_had_sent_is_recognised_when_it_lands_late(hub: FakeHub, run) -> None:
    late = hub.push(MODEL, {"a.txt": b"a", "b.txt": b"b"}, message="hfdeploy-digest: d1")
    assert run() == late
    assert len(hub.repos[MODEL].commits) == 2


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_source_that_is_written_to_meanwhile_is_not_committed(
    hub: FakeHub, run, tmp_path, monkeypatch, is_stored: bool
) -> None:
    stage = hub.stage

    def slow(*arguments):
        os.utime(tmp_path / "source" / "a.txt", ns=(1, 1))
        if not is_stored:
            raise UploadFailed("Cut short.")
        return stage(*arguments)

    monkeypatch.setattr(hub, "stage", slow)
    with pytest.raises(SourceChanged, match=r"a\.txt"):
        run()
    assert "commit" not in hub.calls


def test_what_the_hub_ignores_is_told_and_alone_makes_no_commit(run, told) -> None:
    hub = FakeHub(ignored=frozenset({"a.txt", "b.txt"}))
    hub.create_repo(MODEL, None, None)
    assert run(hub) == hub.repos[MODEL].commits[-1].id
    assert "commit" not in hub.calls
    assert Warned("Left out because .gitignore says so: a.txt, b.txt.") in told
    run(hub, deletions=("gone",))
    assert hub.calls.count("commit") == 1

import json

import pytest
from click.testing import CliRunner

from hfdeploy.cli.app import app
from hfdeploy_core.model import RepoRef, RepoType

SPACE = RepoRef(RepoType.SPACE, "alice", "app")


@pytest.fixture(autouse=True)
def versions(run, hub, source, monkeypatch) -> list[str]:
    monkeypatch.chdir(source)
    run("deploy", source, "alice/app")
    (source / "index.html").write_text("<p>later")
    run("deploy", source, "alice/app")
    return [commit.id for commit in hub.repos[SPACE].commits[1:]]


def test_the_plan_is_shown_and_with_consent_carried_out(run, hub, versions) -> None:
    done = run("rollback", "alice/app", "--yes", "--no-wait")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "  ~ index.html (3 B)"
    assert lines[2] == f"head    {versions[1]}"
    assert lines[4] == "Plan for space alice/app: update 1 file, leave 2 unchanged"
    assert hub.repos[SPACE].commits[-1].title == f"Roll back to {versions[0][:7]}"
    assert hub.repos[SPACE].files["index.html"] == b"<p>"


def test_without_consent_nothing_is_changed(run, hub) -> None:
    hub.calls.clear()
    done = run("rollback", "alice/app")
    assert done.exit_code == 21
    assert "~ index.html" in done.stdout
    assert done.stderr == (
        "error: This needs your consent, and there is nobody to ask. Look at the plan, and pass --yes.\n"
    )
    assert hub.writes == []


@pytest.mark.parametrize(("answer", "exit_code", "commits"), [("y", 0, 4), ("n", 1, 3), ("", 130, 3)])
def test_whoever_sits_at_a_terminal_is_asked(hub, monkeypatch, answer, exit_code, commits) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True)
    done = CliRunner().invoke(app, ["rollback", "alice/app", "--no-wait"], input=answer)
    assert done.exit_code == exit_code
    assert "Roll space alice/app back? [y/N]" in done.stderr
    assert len(hub.repos[SPACE].commits) == commits


def test_where_nothing_changes_nobody_is_asked(run, versions) -> None:
    done = run("rollback", "alice/app", "--to", versions[1], "--json", "--no-wait")
    assert done.exit_code == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["plan", "planned", "outcome"]
    assert events[0]["restores"] == versions[1]
    assert not events[-1]["changed"]


def test_a_commit_that_is_not_there(run, hub) -> None:
    hub.calls.clear()
    done = run("rollback", "alice/app", "--to", "0" * 40, "--yes")
    assert done.exit_code == 29
    assert hub.writes == []

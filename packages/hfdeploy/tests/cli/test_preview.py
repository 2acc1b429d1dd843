import json
from datetime import UTC, datetime

import pytest

from hfdeploy.cli.expiring import read_expiry, tell_expiry
from hfdeploy_core.model import RepoRef, RepoType, Visibility
from hfdeploy_janitor import Policy, Rule, Thing
from hfdeploy_janitor.decide import decide
from hfdeploy_janitor.model import Delete, Keep
from hfdeploy_janitor.rules import Kind

PREVIEW = RepoRef(RepoType.SPACE, "alice", "app-pr-1")


def test_a_preview_comes_and_goes(run, hub, source) -> None:
    done = run("preview", "create", source, "alice/app", "--id", "pr-1", "--ttl", "2d", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout.splitlines()[-1])["repo_id"] == "alice/app-pr-1"
    assert hub.repos[PREVIEW].visibility is Visibility.PRIVATE
    (line,) = run("preview", "list", "alice/app", "--json").stdout.splitlines()
    listed = json.loads(line)
    assert (listed["id"], listed["repo_id"]) == ("pr-1", "alice/app-pr-1")
    assert listed["event"] == "preview"
    assert datetime.fromisoformat(listed["expires"]) > datetime.now(UTC)
    assert run("preview", "list", "app").stdout.startswith("pr-1  alice/app-pr-1  until 2")
    assert run("preview", "destroy", "alice/app", "--id", "pr-1").exit_code == 21
    assert PREVIEW in hub.repos
    assert run("preview", "destroy", "alice/app", "--id", "pr-1", "--yes").exit_code == 0
    assert PREVIEW not in hub.repos


def test_over_the_budget_it_says_what_to_do(run, hub, source) -> None:
    assert run("preview", "create", source, "app", "--id", "1", "--max-previews", "1").exit_code == 0
    done = run("preview", "create", source, "app", "--id", "2", "--max-previews", "1")
    assert done.exit_code == 36
    assert "hfdeploy preview destroy" in done.stderr


@pytest.mark.parametrize("ttl", ["3", "soon", ""])
def test_a_ttl_is_a_duration(run, hub, source, ttl: str) -> None:
    done = run("preview", "create", source, "app", "--id", "1", "--ttl", ttl)
    assert done.exit_code == 21
    assert "is no duration" in done.stderr
    assert hub.writes == []


@pytest.mark.parametrize(("day", "verdict"), [(20, Keep), (23, Keep), (24, Delete)])
def test_the_janitor_leaves_it_so_long_and_no_longer(day: int, verdict: type) -> None:
    pushed = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
    tag = tell_expiry("3d", pushed)
    assert tag == tell_expiry("3d", pushed.replace(hour=23))
    assert read_expiry([tag]) == "2026-11-24T00:00Z"
    id = f"{int(pushed.timestamp()):08x}{'0' * 16}"
    thing = Thing(Kind.SPACE, "alice", "app-pr-1", id, pushed, pushed, tags=("docker", tag))
    policy = Policy((Rule("alice", "app-pr-", 3600.0, (Kind.SPACE,)),))
    assert isinstance(decide(thing, policy, datetime(2026, 11, day, 23, 59, tzinfo=UTC)), verdict)

import json

import pytest

from hfdeploy_core.model import RepoRef, RepoType, Sdk, Variable, Visibility

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
PROXY = RepoRef(RepoType.SPACE, "alice", "app-proxy")


@pytest.fixture(autouse=True)
def _spaces(hub) -> None:
    hub.create_repo(SPACE, Visibility.PRIVATE, Sdk.DOCKER)
    hub.create_repo(PROXY, Visibility.PUBLIC, Sdk.DOCKER, [Variable("HFDEPLOY_RELAY_OF", "alice/app")])
    hub.push(PROXY, {"hfdeploy-relay.json": b"{}"})
    hub.calls.clear()


def test_it_lists_and_does_nothing_without_consent(run, hub) -> None:
    done = run("destroy", "alice/app", "--with-proxy")
    assert done.exit_code == 21
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == [
        "- space alice/app-proxy",
        "- space alice/app",
    ]
    assert "--yes" in done.stderr
    assert hub.writes == []


def test_it_deletes_what_it_listed(run, hub) -> None:
    done = run("destroy", "alice/app", "--yes", "--json")
    assert done.exit_code == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["deletion_planned", "deleted"]
    assert set(hub.repos) == {PROXY}


def test_with_the_relay(run, hub) -> None:
    assert run("destroy", "app", "--with-proxy", "--yes").exit_code == 0
    assert hub.repos == {}


def test_a_suffix_of_no_relay(run, hub) -> None:
    assert run("destroy", "app", "--proxy-suffix", "-x", "--yes").exit_code == 21
    assert hub.calls == []

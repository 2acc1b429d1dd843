import json

import pytest

from hfdeploy_core.errors import HubUnreachable, RateLimited
from hfdeploy_core.model import RepoRef, RepoType, Visibility

SPACE = RepoRef(RepoType.SPACE, "alice", "app")


def test_a_deploy_tells_repo_url_app_and_commit(run, hub, source) -> None:
    done = run("deploy", source, "alice/app")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-5:] == [
        "Deployed in 0.0 s",
        "  repo    alice/app",
        "  url     https://hub.test/spaces/alice/app",
        "  app     https://alice-app.space.test",
        f"  commit  {hub.repos[SPACE].commits[-1].id}",
    ]
    assert done.stderr == "warning: .env is not deployed: files like this hold secrets.\n"


def test_options_reach_the_deploy(run, hub, source) -> None:
    (source / "README.md").unlink()
    arguments = ["--type", "space", "--sdk", "docker", "--private", "-m", "Words", "--mirror"]
    assert run("deploy", source, "app", *arguments).exit_code == 0
    repo = hub.repos[SPACE]
    assert (repo.sdk, repo.visibility, repo.commits[-1].title) == ("docker", Visibility.PRIVATE, "Words")


def test_with_json_every_line_is_an_event_and_the_last_the_outcome(run, hub, source) -> None:
    done = run("deploy", source, "app", "--json", "--no-wait")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert [event["event"] for event in events] == [
        "warning",
        "scanned",
        "planned",
        "repo_created",
        "uploading",
        "uploading",
        "committed",
        "outcome",
    ]
    outcome = events[-1]
    assert outcome["repo_id"] == "alice/app"
    assert outcome["repo_url"] == "https://hub.test/spaces/alice/app"
    assert outcome["space_url"] == "https://alice-app.space.test"
    assert outcome["commit"] == hub.repos[SPACE].commits[-1].id
    assert outcome["plan_digest"] == events[2]["digest"]
    assert (outcome["proxy_enabled"], outcome["proxy_repo_id"], outcome["proxy_url"]) == (False, "", "")


def test_a_failure_is_one_line_with_its_remedy_and_its_exit_code(run, hub, tmp_path) -> None:
    done = run("deploy", tmp_path / "nowhere", "app")
    assert done.exit_code == 10
    assert done.stdout == ""
    assert done.stderr == (
        f"error: The source {tmp_path}/nowhere does not exist. Check the path of the folder to deploy.\n"
    )
    assert hub.calls == []


def test_with_json_a_failure_is_the_last_line(run, hub, source) -> None:
    hub.fail("find_head", RateLimited("Too many."))
    done = run("deploy", source, "app", "--json")
    assert done.exit_code == RateLimited.exit_code
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "event": "error",
        "error": "RateLimited",
        "message": "Too many.",
        "remedy": RateLimited.advice,
        "exit_code": 41,
    }


@pytest.mark.parametrize("flags", [["--private", "--public"], ["--private", "--protected", "--public"]])
def test_flags_that_contradict_each_other(run, hub, source, flags: list[str]) -> None:
    done = run("deploy", source, "app", *flags)
    assert done.exit_code == 21
    assert "contradict" in done.stderr
    assert hub.calls == []


@pytest.mark.parametrize("arguments", [[], ["x"], ["x", "y", "--type", "bucket"], ["x", "y", "--token", "t"]])
def test_what_cannot_be_understood_is_a_usage_error(run, arguments: list[str]) -> None:
    assert run("deploy", *arguments).exit_code == 2


def test_only_debug_shows_a_traceback_and_never_a_token(run, hub, source, monkeypatch) -> None:
    def broken() -> None:
        raise RuntimeError("with hf_abcdefghijkl in it")

    hub.fail("whoami", HubUnreachable("Away."))
    for arguments, shown in ([], False), (["--debug"], True):
        hub.fail("whoami", HubUnreachable("Away."))
        done = run("deploy", source, "app", *arguments)
        assert (done.exit_code, "Traceback" in done.stderr) == (40, shown)
    monkeypatch.setattr(hub, "whoami", broken)
    done = run("deploy", source, "app", "--debug")
    assert done.exit_code == 1
    assert "RuntimeError: with [redacted] in it" in done.stderr
    assert "hf_abcdefghijkl" not in done.output


def test_ctrl_c_is_no_traceback(run, hub, source, monkeypatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hub, "whoami", interrupted)
    done = run("deploy", source, "app", "--json")
    assert done.exit_code == 130
    assert json.loads(done.stdout.splitlines()[-1])["error"] == "Interrupted"

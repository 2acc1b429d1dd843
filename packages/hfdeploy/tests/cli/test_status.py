import json

import pytest

from hfdeploy_core.model import RepoRef, RepoType

SPACE = RepoRef(RepoType.SPACE, "alice", "app")


@pytest.fixture(autouse=True)
def deployed(run, hub, source, monkeypatch) -> str:
    monkeypatch.chdir(source)
    run("deploy", source, "alice/app")
    return hub.repos[SPACE].commits[-1].id


def test_a_line_for_each_thing_that_is_known(run, hub, deployed) -> None:
    hub.push(SPACE, {"README.md": b"x"})
    head = hub.repos[SPACE].commits[-1].id
    done = run("status", "alice/app")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "space alice/app (public)",
        "  url       https://hub.test/spaces/alice/app",
        f"  head      {head}",
        f"  live      {head} (RUNNING)",
        f"  deployed  {deployed}",
        "  source    unknown",
        "  drift     1 commit by others since: .gitattributes, README.md, index.html",
    ]


def test_with_json_it_is_one_object(run, hub, deployed) -> None:
    (line,) = run("status", "alice/app", "--json").stdout.splitlines()
    told = json.loads(line)
    assert (told["event"], told["repo_id"], told["head"]) == ("status", "alice/app", deployed)
    assert told["deployed"]["commit"] == deployed
    assert (told["drift"], told["others"]) == ([], [])


def test_compared_with_a_plan(run, hub, source) -> None:
    run("plan", source, "alice/app", "--private", "--out", ".hfdeploy/plan.json")
    done = run("status", "alice/app", "--plan", ".hfdeploy/plan.json")
    assert "  drift     visibility: left as private, is public" in done.stdout


def test_a_repo_that_is_not_there(run) -> None:
    assert run("status", "alice/nothing").exit_code == 33


def test_a_diff_is_printed_and_nothing_else(run, hub, source) -> None:
    (source / "index.html").write_text("<p>later\n")
    done = run("diff", source, "alice/app")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "--- a/index.html",
        "+++ b/index.html",
        "@@ -1 +1 @@",
        "-<p>",
        "\\ No newline at end of file",
        "+<p>later",
    ]

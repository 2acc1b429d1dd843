import json

import pytest

from hfdeploy_core.errors import HubUnreachable
from hfdeploy_core.model import RepoRef, RepoType

SPACE = RepoRef(RepoType.SPACE, "alice", "app")


def test_a_plan_names_every_file_and_writes_nothing(run, hub, source) -> None:
    run("deploy", source, "alice/app")
    (source / "index.html").write_text("<b>")
    (source / "new.txt").write_text("12345")
    hub.calls.clear()
    done = run("plan", source, "alice/app")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert "  ~ index.html (3 B)" in lines
    assert "  + new.txt (5 B)" in lines
    assert "8 B to send at most" in lines
    assert f"head    {next(iter(hub.repos.values())).commits[-1].id}" in lines
    assert hub.writes == []


def test_with_json_the_last_line_is_the_plan(run, hub, source) -> None:
    done = run("plan", source, "alice/app", "--public", "--json")
    planned, plan = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert (plan["event"], plan["version"], plan["base"]) == ("plan", 3, None)
    assert plan["digest"] == planned["digest"]
    assert plan["repo"] == {"type": "space", "namespace": "alice", "name": "app"}
    assert [change["change"] for change in plan["changes"]][:1] == ["create_repo"]
    assert hub.writes == []


def test_a_plan_that_is_saved_into_its_source_is_no_part_of_it(run, hub, source, monkeypatch) -> None:
    monkeypatch.chdir(source)
    for _ in range(2):
        done = run("plan", ".", "alice/app", "--out", "plan[1].json")
        assert done.exit_code == 0
        assert "a later deploy takes it along" in done.stderr
    assert run("apply", "plan[1].json").exit_code == 0
    assert set(hub.repos[SPACE].files) == {".gitattributes", "README.md", "index.html"}


def test_the_detailed_exit_code_tells_changes_from_none_and_from_errors(run, hub, source) -> None:
    assert run("plan", source, "alice/app", "--detailed-exitcode").exit_code == 2
    run("deploy", source, "alice/app")
    assert run("plan", source, "alice/app", "--detailed-exitcode").exit_code == 0
    hub.fail("find_head", HubUnreachable("Away."), times=2)
    assert run("plan", source, "alice/app", "--detailed-exitcode").exit_code == 1
    assert run("plan", source, "alice/app").exit_code == HubUnreachable.exit_code


@pytest.mark.parametrize(("flags", "code"), [(["--detailed-exitcode"], 1), ([], 2)])
def test_a_usage_error_is_never_taken_for_changes(run, flags: list[str], code: int) -> None:
    for arguments, says in ((["x", "y", "--nonsense"], "No such option"), (["x"], "Missing argument 'REPO'")):
        done = run("plan", *arguments, *flags)
        assert (done.exit_code, says in done.stderr) == (code, True)


def test_what_is_removed_is_shown_with_a_variables_value(run, hub, source) -> None:
    (source / "README.md").write_text("---\nsdk: docker\n---\n")
    run("deploy", source, "alice/app", "--variable", "OLD=1")
    hub.repos[SPACE].secrets["KEY"] = ("x", 1)
    asked = ("--remove-variable", "OLD", "--remove-secret", "KEY", "--remove-secret", "NOT_THERE")
    done = run("plan", source, "alice/app", *asked)
    assert done.stdout.splitlines()[-5:-3] == ["  - variable OLD: '1'", "  - secret KEY"]
    done = run("deploy", source, "alice/app", *asked, "--no-wait")
    assert "Removed variable OLD of alice/app" in done.stdout
    assert (hub.repos[SPACE].variables, hub.repos[SPACE].secrets) == ({}, {})

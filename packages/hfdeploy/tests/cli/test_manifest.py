import json
from pathlib import Path

import pytest

from hfdeploy_core import project
from hfdeploy_core.model import RepoRef, RepoType

VERBS = (
    project.plan_project,
    project.apply_project,
    project.recall_project_plan,
    project.status_project,
    project.plan_destroy_project,
    project.destroy_project,
)
MANIFEST = """\
version: 1
targets:
  m: {type: model, repo: alice/m, source: ./m}
  app: {type: space, repo: alice/app, source: ./app, sdk: static, depends_on: [m]}
profiles:
  staging:
    targets: {m: {repo: alice/m-staging}, app: {repo: alice/app-staging}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub) -> Path:
    """The working folder, with a manifest and its sources."""
    for verb in VERBS:

        def over_the_fake(*arguments, verb=verb, **options):
            return verb(*arguments, hub=hub, **options)

        monkeypatch.setattr(project, verb.__name__, over_the_fake)
    root = tmp_path / "project"
    for name in ("m", "app"):
        (root / name).mkdir(parents=True)
        (root / name / "notes.txt").write_text(name)
    (root / "hfdeploy.yaml").write_text(MANIFEST)
    monkeypatch.chdir(root)
    return root


def names(hub) -> set[str]:
    return {repo.name for repo in hub.repos}


def test_validate_says_how_much_there_is_or_what_is_wrong(run, folder: Path) -> None:
    assert run("validate").stdout == "hfdeploy.yaml is valid: 2 targets, 1 profile\n"
    (folder / "hfdeploy.yaml").write_text(
        MANIFEST.replace("profiles:", "  door: {type: relay, upstream: app}\nprofiles:")
    )
    assert run("validate").stdout == "hfdeploy.yaml is valid: 3 targets, 1 profile\n"
    (folder / "hfdeploy.yaml").write_text(MANIFEST.replace("source: ./m", "sorce: ./m"))
    done = run("validate")
    assert done.exit_code == 61
    assert "hfdeploy.yaml:3:35: there is no key 'sorce' here; did you mean 'source'?" in done.stderr
    assert run("validate", "--manifest", "elsewhere.yaml").exit_code == 60


def test_plan_and_apply_without_words_are_about_every_target(run, folder: Path, hub) -> None:
    done = run("plan", "--detailed-exitcode")
    assert (done.exit_code, hub.writes) == (2, [])
    lines = done.stdout.splitlines()
    assert "[m] Plan for model alice/m: create it, add 1 file" in lines
    assert lines[lines.index("m: model alice/m") + 1] == "  + the repo (default visibility)"
    done = run("apply", "--yes")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].startswith("2 changed in ")
    assert names(hub) == {"m", "app"}
    assert run("plan", "--detailed-exitcode").exit_code == 0
    assert run("apply").stdout.splitlines()[-1].startswith("2 unchanged in ")


def test_targets_that_are_named_and_a_profile(run, folder: Path, hub) -> None:
    assert run("apply", "m", "--yes").exit_code == 0
    assert names(hub) == {"m"}
    assert run("apply", "--profile", "staging", "app", "--yes").exit_code == 0
    assert names(hub) == {"m", "m-staging", "app-staging"}
    done = run("plan", "ap")
    assert (done.exit_code, "did you mean 'app'?" in done.stderr) == (21, True)


def test_a_target_that_is_left_out_is_no_part_of_what_is_shown(run, folder: Path) -> None:
    (folder / "hfdeploy.yaml").write_text(MANIFEST.replace("depends_on: [m]", "when: branch == 'x'"))
    lines = run("plan").stdout.splitlines()
    assert "[app] left out: branch == 'x' does not hold" in lines
    assert "m: model alice/m" in lines
    assert "app: space alice/app" not in lines


def test_two_words_are_source_and_repo_unless_the_first_is_a_target(run, folder: Path) -> None:
    assert "[m] Plan for model alice/m" in run("plan", "m", "app").stdout
    assert "Plan for space alice/m:" in run("plan", "m", "alice/m", "--sdk", "static").stdout
    assert "Plan for space alice/app:" in run("plan", "./m", "app", "--sdk", "static").stdout
    (folder / "hfdeploy.yaml").write_text("nonsense: [")
    assert "Plan for space alice/app:" in run("plan", "m", "app", "--sdk", "static").stdout


def test_one_word_of_apply_is_a_plan_if_it_is_a_file_and_no_target(run, folder: Path, hub) -> None:
    run("plan", "./app", "alice/other", "--sdk", "static", "--out", "saved")
    assert run("apply", "saved").exit_code == 0
    assert names(hub) == {"other"}
    assert "no target 'aap'; did you mean 'app'?" in run("apply", "aap").stderr
    assert run("apply", "plan.json").exit_code == 24
    (folder / "hfdeploy.yaml").unlink()
    assert run("apply", "aap").exit_code == 24


def test_a_plan_of_targets_is_saved_and_applied_as_it_is_or_refused(run, folder: Path, hub) -> None:
    done = run("plan", "--profile", "staging", "--out", "../saved.json")
    assert (done.exit_code, hub.writes) == (0, [])
    assert (folder / "../saved.json").stat().st_mode & 0o777 == 0o600
    assert run("plan", "--out", "app/saved.json").exit_code == 21
    (folder / "app" / "notes.txt").write_text("other")
    stale = run("apply", "../saved.json")
    assert (stale.exit_code, "changed of app is another by now" in stale.stderr, hub.writes) == (25, True, [])
    (folder / "app" / "notes.txt").write_text("app")
    assert run("apply", "../saved.json").exit_code == 0
    assert names(hub) == {"m-staging", "app-staging"}
    writes = list(hub.writes)
    assert run("apply", "../saved.json").exit_code == 0
    (folder / "hfdeploy.yaml").write_text(MANIFEST + "# another\n")
    assert "hfdeploy.yaml was changed since" in run("apply", "../saved.json").stderr
    saved = (folder / "../saved.json").read_text()
    (folder / "../saved.json").write_text(saved.replace("m-staging", "n-staging"))
    assert run("apply", "../saved.json").exit_code == 24
    assert hub.writes == writes


def test_nothing_is_changed_without_a_yes(run, folder: Path, hub) -> None:
    done = run("apply")
    assert (done.exit_code, "pass --yes." in done.stderr, hub.writes) == (21, True, [])


def test_options_of_the_other_form_are_refused(run, folder: Path, hub) -> None:
    for words in (
        ["plan", "--private"],
        ["apply", "--wait"],
        ["apply", "--state", "x"],
    ):
        done = run(*words)
        assert (done.exit_code, "is not for the targets of a manifest" in done.stderr) == (21, True)
    assert hub.calls == []


def test_with_json_every_line_names_its_target_and_the_last_is_the_run(run, folder: Path) -> None:
    done = run("apply", "--yes", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["target"] for line in lines if line["event"] == "committed"} == {"m", "app"}
    assert {line["target"] for line in lines if line["event"] == "plan"} == {"m", "app"}
    assert (lines[-1]["event"], lines[-1]["changed"]) == ("run", ["m", "app"])


def test_a_failing_target_is_told_with_its_exit_code(run, folder: Path, hub) -> None:
    (folder / "app" / "notes.txt").unlink()
    done = run("plan", "--json")
    *lines, error = (json.loads(line) for line in done.stdout.splitlines())
    (failed,) = [line for line in lines if line["event"] == "target_failed"]
    assert (failed["event"], failed["target"], failed["error"]) == ("target_failed", "app", "SourceEmpty")
    assert (error["error"], done.exit_code) == ("SourceEmpty", 12)
    assert RepoRef(RepoType.MODEL, "alice", "m") not in hub.repos


def test_status_and_destroy_are_about_targets_unless_the_word_has_a_slash(run, folder: Path, hub) -> None:
    assert "m: model alice/m\n  is not there" in run("status").stdout
    run("apply", "--yes")
    told = run("status", "app").stdout
    assert "app: space alice/app (public)" in told
    assert "made by a run" in told
    facts = json.loads(run("status", "--json").stdout.splitlines()[-1])
    assert [target["target"] for target in facts["targets"]] == ["m", "app"]
    assert run("status", "alice/app").exit_code == run("status", "m", "app").exit_code == 0
    assert run("status", "--type", "model").exit_code == 21
    done = run("destroy", "app")
    assert (done.exit_code, "needs your consent" in done.stderr) == (21, True)
    assert run("destroy", "app", "--yes").exit_code == 0
    assert names(hub) == {"m"}
    # A target that is misspelt is not taken for a repo of that name.
    done = run("destroy", "ap", "--yes")
    assert (done.exit_code, "There is no target 'ap'; did you mean 'app'?" in done.stderr) == (21, True)
    assert run("destroy", "alice/m", "--type", "model", "--yes").exit_code == 0
    done = run("destroy", "--yes")
    assert (done.exit_code, "nothing to do" in done.stdout) == (0, True)
    assert names(hub) == set()


def test_a_manifest_is_begun_and_drawn(run, folder: Path) -> None:
    assert run("graph").stdout == "m    model alice/m\napp  space alice/app  <- m\n"
    assert run("graph", "--mermaid", "--profile", "staging").stdout.startswith("flowchart LR\n")
    assert run("init").exit_code == 21
    (folder / "hfdeploy.yaml").unlink()
    (folder / "app" / "index.html").write_text("<p>")
    assert run("init").exit_code == 0
    assert run("validate").stdout == "hfdeploy.yaml is valid: 1 target\n"


def test_a_run_over_targets_can_be_reported(run, folder: Path) -> None:
    assert run("plan", "--report", "report.html").exit_code == 0
    assert (folder / "report.html").read_text().count("to be changed") == 2
    assert run("apply", "--yes", "--report", "report.html").exit_code == 0
    page = (folder / "report.html").read_text()
    assert "alice/app" in page
    assert "alice/m" in page
    assert run("plan", "--report", "report.html").exit_code == 0
    assert (folder / "report.html").read_text().count("<td>unchanged") == 2
    assert run("destroy", "--yes", "--report", "report.html").exit_code == 0
    assert (folder / "report.html").read_text().count("<td>deleted<td class") == 2
    assert "is not there" in run("status").stdout


def test_a_pyproject_can_hold_it(run, folder: Path, hub) -> None:
    (folder / "hfdeploy.yaml").unlink()
    target = '[tool.hfdeploy.targets.m]\ntype = "model"\nrepo = "alice/m"\nsource = "m"\n'
    table = f"[tool.hfdeploy]\nversion = 1\n{target}"
    (folder / "pyproject.toml").write_text(table)
    assert run("validate").stdout == "pyproject.toml is valid: 1 target\n"
    assert run("apply", "m", "--yes").exit_code == 0
    assert names(hub) == {"m"}
    (folder / "pyproject.toml").write_text("[tool.other]\n")
    assert run("validate").exit_code == 60


def test_status_does_not_take_what_somebody_made_again_for_what_a_run_left(run, folder: Path, hub) -> None:
    run("apply", "m", "--yes")
    m = RepoRef(RepoType.MODEL, "alice", "m")
    hub.delete_repo(m)
    hub.create_repo(m, None, None)
    told = run("status", "m").stdout
    assert "to another repo of that name, which is gone" in told
    assert "made by a run" not in told

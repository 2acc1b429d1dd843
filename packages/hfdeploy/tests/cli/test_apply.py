import json

from hfdeploy_core.errors import PlanInvalid, PlanStale


def test_a_saved_plan_is_carried_out(run, hub, source, tmp_path) -> None:
    file = tmp_path / "plan.json"
    assert run("plan", source, "alice/app", "--private", "--out", file).exit_code == 0
    assert hub.writes == []
    done = run("apply", file, "--json")
    assert done.exit_code == 0
    outcome = json.loads(done.stdout.splitlines()[-1])
    (repo,) = hub.repos.values()
    assert (outcome["event"], outcome["commit"]) == ("outcome", repo.commits[-1].id)
    assert (repo.visibility, repo.files["index.html"]) == ("private", b"<p>")


def test_a_plan_that_does_not_fit_any_more_is_refused(run, hub, source, tmp_path) -> None:
    file = tmp_path / "plan.json"
    run("plan", source, "alice/app", "--out", file)
    (source / "index.html").write_text("<b>")
    done = run("apply", file)
    assert done.exit_code == PlanStale.exit_code
    assert done.stderr.endswith(
        f"error: The source was changed since the plan was made. {PlanStale.advice}\n"
    )
    file.write_text(file.read_text().replace("alice", "mallory"))
    assert run("apply", file).exit_code == PlanInvalid.exit_code
    assert hub.calls == ["find_head", "whoami", "check_card"]

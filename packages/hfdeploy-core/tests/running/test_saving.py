"""Saved plans of manifests, after a run of theirs was cut short."""

from pathlib import Path

import pytest

from hfdeploy_core import project
from hfdeploy_core.errors import PlanStale
from hfdeploy_core.testing import FakeHub

STEPS = ", steps: {before: [{type: run, command: 'true'}]}"


@pytest.mark.parametrize("more", ["", STEPS])
def test_what_was_begun_is_gone_on_with_and_what_others_did_is_not(
    tmp_path: Path, hub: FakeHub, more: str
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "notes.txt").write_text("notes")
    file, saved = tmp_path / "hfdeploy.yaml", tmp_path / "saved.json"
    file.write_text(f"version: 1\ntargets:\n  m: {{type: model, repo: alice/m, source: files{more}}}\n")
    loaded = project.load_project(file)
    project.save_project_plan(project.plan_project(loaded, hub=hub), str(file), saved)
    plan = project.load_project_plan(saved)
    commit, hub.commit = hub.commit, lambda *given, **named: stop()  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        project.apply_project(project.recall_project_plan(plan, loaded, hub=hub), hub=hub)
    hub.commit = commit  # type: ignore[method-assign]
    project.apply_project(project.recall_project_plan(plan, loaded, hub=hub), hub=hub)
    (repo,) = hub.repos.values()
    assert repo.files["notes.txt"] == b"notes"
    (tmp_path / "files" / "notes.txt").write_text("others")
    with pytest.raises(PlanStale, match="changed of m is another by now"):
        project.recall_project_plan(plan, loaded, hub=hub)


def stop() -> None:
    raise KeyboardInterrupt

"""Workflows ask for little, pin what they use, and hand nothing of others to a shell."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT

WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def load(path: Path) -> dict[Any, Any]:
    return dict(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_careful(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    for line in re.findall(r"uses: .*", path.read_text()):
        assert PINNED.fullmatch(line) or line.startswith("uses: ./ #"), line
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 45
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_one_version_of_each_action_is_used() -> None:
    told = {line for path in WORKFLOWS for line in PINNED.findall(path.read_text())}
    assert len({line.split("@")[0] for line in told}) == len(told)


def test_the_required_job_needs_all_the_others() -> None:
    jobs = load(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert set(jobs["required"]["needs"]) == jobs.keys() - {"required"}


def test_what_is_made_is_what_workflows_call() -> None:
    makefile = (ROOT / "Makefile").read_text()
    called = {name for path in WORKFLOWS for name in re.findall(r"run: make ([\w-]+)", path.read_text())}
    assert {"lint", "test", "test-action", "test-apps", "dist", "setup"} == called
    for name in called:
        assert re.search(rf"^{name}:", makefile, re.MULTILINE)


def test_the_integration_matrix_runs_every_test_for_a_real_hub() -> None:
    jobs = load(ROOT / ".github/workflows/integration-hf.yml")["jobs"]
    cases = {case["tests"].split(" and ")[0] for case in jobs["hub"]["strategy"]["matrix"]["case"]}
    tests = set(
        re.findall(r"^def (test_\w+)", (ROOT / "tests/integration/test_hub.py").read_text(), re.MULTILINE)
    )
    assert tests - cases == {"test_what_a_killed_job_left_is_cleaned_up"}
    assert cases <= tests
    assert jobs["hub"]["steps"][-1]["if"] == "always()"


def test_release_notes_are_the_section_of_the_version() -> None:
    find_notes = runpy.run_path(str(ROOT / "scripts/release_notes.py"))["find_notes"]
    changelog = (
        "## [Unreleased]\n- x\n## [1.2.0] - 2026-01-01\n### Added\n- y\n\n## [1.1.0]\n## [1.0.0]\n- z\n"
    )
    assert find_notes(changelog, "1.2.0") == "### Added\n- y"
    assert find_notes(changelog, "1.0.0") == "- z"
    assert find_notes(changelog, "1.1.0") is None
    assert find_notes(changelog, "1.2") is None

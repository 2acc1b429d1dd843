import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.errors import PlanInvalid
from hfdeploy_janitor.model import Plan
from hfdeploy_janitor.plan_file import read_plan, write_plan
from hfdeploy_janitor.rules import Kind, Policy
from hfdeploy_janitor.sweep import make_plan
from hfdeploy_janitor.testing import FakeHub


@pytest.fixture
def file(hub: FakeHub, clock: FakeClock, policy: Policy, tmp_path: Path) -> Path:
    for number in range(2):
        hub.add(Kind.MODEL, f"test-{number}", age=timedelta(hours=7))
    hub.add(Kind.MODEL, "mine", age=timedelta(hours=7))
    made = make_plan(hub, replace(policy, protect=("x",), max_percent=99.5), clock)
    write_plan(made, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == replace(made, kept=())
    assert read_plan(tmp_path / "plan.json").digest == made.digest
    return tmp_path / "plan.json"


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["targets"].pop(),
        lambda plan: plan["targets"][0]["thing"].update(id="f" * 24),
        lambda plan: plan["targets"][0]["thing"].update(name="mine"),
        lambda plan: plan["policy"].update(protect=[]),
        lambda plan: plan["policy"].update(min_age_seconds=0),
        lambda plan: plan["policy"]["rules"][0].update(marked=True),
        lambda plan: plan.update(endpoint="https://other.test"),
        lambda plan: plan.update(refusal="too many"),
        lambda plan: plan.update(incomplete=["models"]),
        lambda plan: plan.update(made_at="2020-01-01T00:00:00Z"),
    ],
)
def test_a_changed_plan_is_refused(file: Path, change) -> None:  # type: ignore[no-untyped-def]
    content = json.loads(file.read_text())
    change(content["plan"])
    file.write_text(json.dumps(content))
    with pytest.raises(PlanInvalid, match="digest"):
        read_plan(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"plan": {}, "digest": ""}', '{"plan": 1}'])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PlanInvalid, match="is no plan"):
        read_plan(tmp_path / "plan.json")
    with pytest.raises(PlanInvalid, match="cannot be read"):
        read_plan(tmp_path / "none.json")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(PlanInvalid, match="cannot be written"):
        write_plan(Plan("", clock.now(), Policy(()), ()), tmp_path)

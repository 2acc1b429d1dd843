"""What action.yml declares, what the code reads, and what the README tells are the same."""

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import yaml

from hfdeploy_action.errors import CheckoutFailed, IdentityMissing, InputsInvalid, SecretsAbsent
from hfdeploy_action.outputs import list_outputs

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
README = (PACKAGE / "README.md").read_text()
(STEP,) = ACTION["runs"]["steps"]


def test_the_tables_of_the_readme_are_generated() -> None:
    docs = runpy.run_path(str(ROOT / "scripts/action_docs.py"))
    assert docs["render"](README, ROOT) == README, "run `make lock`"
    assert all(f"| `{name}` |" in README for name in (*ACTION["inputs"], *ACTION["outputs"]))


def test_every_input_is_handed_over_and_nothing_else() -> None:
    assert STEP["env"] == {f"INPUT_{name.upper()}": f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    assert "${{" not in STEP["run"]


def test_every_input_is_read_somewhere() -> None:
    code = "".join(path.read_text() for path in (PACKAGE / "src").rglob("*.py"))
    for name in ACTION["inputs"]:
        assert f'"{name}"' in code or f'"INPUT_{name.upper()}"' in code, name


def test_every_output_is_one_of_the_step() -> None:
    assert ACTION["outputs"].keys() == list_outputs(None).keys()
    for name, declared in ACTION["outputs"].items():
        assert declared["value"] == f"${{{{ steps.{STEP['id']}.outputs.{name} }}}}"


def test_the_lock_holds_what_the_action_runs_with() -> None:
    locks = "".join((PACKAGE / name).read_text() for name in ("requirements.lock", "seldom.lock"))
    locked = re.findall(r"^([a-z0-9-]+)==", locks, re.MULTILINE)
    assert len(set(locked)) == len(locked)
    core = tomllib.loads((ROOT / "packages/hfdeploy-core/pyproject.toml").read_text())["project"]
    more = (PACKAGE / "seldom.in").read_text().splitlines()
    wanted = [line for line in (*core["dependencies"], *more) if line and not line.startswith("#")]
    names = {re.split(r"[<>=]", line)[0].lower().replace("_", "-") for line in wanted}
    assert {"huggingface-hub", "pydantic-settings"} <= names <= set(locked), "run `make lock`"


def test_what_the_marketplace_asks_for() -> None:
    told = [
        ACTION["description"],
        *(item["description"] for item in (*ACTION["inputs"].values(), *ACTION["outputs"].values())),
    ]
    assert all(len(text) < 125 for text in told)
    assert ACTION["runs"]["using"] == "composite"
    assert not any("uses" in step for step in ACTION["runs"]["steps"])


def test_the_readme_lists_the_exit_codes_and_its_examples_use_what_there_is() -> None:
    for kind in (InputsInvalid, SecretsAbsent, CheckoutFailed, IdentityMissing):
        assert re.search(rf"\b{kind.exit_code}\b", README)
    examples = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)]
    steps = [
        step for example in examples for step in find_steps(example) if "hfdeploy" in step.get("uses", "")
    ]
    assert len(steps) == len(examples)
    for step in steps:
        assert step["with"].keys() <= ACTION["inputs"].keys()


def find_steps(example: Any) -> list[dict[str, Any]]:
    if isinstance(example, list):
        return example
    if "jobs" in example:
        return [step for job in example["jobs"].values() for step in job["steps"]]
    return list(example["steps"])

"""The workflow and the examples for schedulers are what they say."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from hfdeploy_janitor.cli import app

ROOT = Path(__file__).parents[3]
WORKFLOW = (ROOT / ".github/workflows/janitor.yml").read_text()
PAGE = (ROOT / "docs/janitor-schedule.md").read_text()


def check_command(words: list[str]) -> None:
    assert words.pop(0).endswith("hfdeploy-janitor")
    command = app.commands[words.pop(0)]
    command.make_parser(click.Context(command)).parse_args(words)


def test_the_workflow_asks_for_nothing_and_pins_everything() -> None:
    workflow = yaml.safe_load(WORKFLOW)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["sweep"]["permissions"] == {"contents": "read"}
    uses = re.findall(r"uses: (.*)", WORKFLOW)
    assert uses
    for used in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used)
    assert workflow[True]["workflow_dispatch"]["inputs"]["dry-run"]["default"] is True


def test_the_workflow_puts_nothing_of_others_into_a_shell() -> None:
    for step in yaml.safe_load(WORKFLOW)["jobs"]["sweep"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_cron_jobs_command_is_one() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    job = yaml.safe_load(example)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    check_command(job["containers"][0]["command"])


@pytest.mark.parametrize("text", [PAGE, WORKFLOW])
def test_the_commands_are_ones(text: str) -> None:
    lines = re.findall(r"(?:ExecStart=|run: )(\S*hfdeploy-janitor .*)", text)
    assert lines
    for line in lines:
        check_command(shlex.split(line.replace('${APPLY:+"$APPLY"}', "--apply")))

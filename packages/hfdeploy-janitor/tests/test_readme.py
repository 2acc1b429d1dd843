"""The README is true: every option, fate and exit code is in it."""

import re
from pathlib import Path

from hfdeploy_janitor import errors
from hfdeploy_janitor.cli import INTERRUPTED_EXIT_CODE, sweep
from hfdeploy_janitor.configuration import read_policy
from hfdeploy_janitor.model import Fate

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_every_option_is_listed() -> None:
    options = [option for parameter in sweep.params for option in parameter.opts]
    assert "--apply" in options
    for option in options:
        assert f"`{option}`" in README, option


def test_the_file_of_rules_is_valid() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert len(read_policy(example, "README.md").rules) == 2


def test_every_fate_and_exit_code_is_listed() -> None:
    for fate in Fate:
        assert f"| `{fate}` |" in README
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert told == {0, 1, 2, 3, 4, 5, INTERRUPTED_EXIT_CODE} | {
        kind.exit_code for kind in kinds if kind.__module__ == errors.__name__ and "exit_code" in vars(kind)
    }

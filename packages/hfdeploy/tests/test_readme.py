"""The README is true: every option and every exit code is in it."""

import re
from pathlib import Path

import click

import hfdeploy_core.errors
from hfdeploy.cli.app import app
from hfdeploy.cli.deploy import deploy

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_every_exit_code_is_listed() -> None:
    told = {int(code) for code in re.findall(r"\| (\d\d) \|", README)}
    kinds = [kind for kind in vars(hfdeploy_core.errors).values() if isinstance(kind, type)]
    assert told == {kind.exit_code for kind in kinds if getattr(kind, "exit_code", 1) != 1}


def test_every_option_is_listed() -> None:
    options = [option for parameter in deploy.params for option in parameter.opts]
    assert "--mirror" in options
    for option in options:
        if option.startswith("-"):
            assert f"`{option}" in README, option


def test_every_verb_is_there_and_listed() -> None:
    told = set(re.findall(r"(?:^|`)hfdeploy ([a-z]+)", README, re.MULTILINE))
    context = click.Context(app)
    assert told == set(app.list_commands(context))
    for verb in told:
        command = app.get_command(context, verb)
        assert command is not None
        assert command.name == verb

"""The README is true: every option, every verb and every exit code is in it; so is the page of events."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import click

import hfdeploy_core.errors
from hfdeploy.cli.app import app
from hfdeploy.cli.deploy import deploy
from hfdeploy_core.events import Event, Finished, TargetTold
from hfdeploy_core.model import Outcome

README = (Path(__file__).parents[1] / "README.md").read_text()
EVENTS = (Path(__file__).parents[3] / "docs/events.md").read_text()


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


def test_every_event_is_listed_with_its_fields() -> None:
    rows = [line for line in EVENTS.splitlines() if line.startswith("|")]
    for kind in get_args(Event):
        if kind is TargetTold:
            continue  # its line has the name of what the target tells
        (row,) = [row for row in rows if f"`{kind.name}`" in row.split("|")[1]]
        for field in fields(Outcome if kind is Finished else kind):
            assert f"`{field.name}`" in row, f"{kind.name}: {field.name}"

"""Asking before something is done that somebody may not have meant."""

import sys
from collections.abc import Callable
from typing import Any

import click

from hfdeploy_core import DeployError
from hfdeploy_core.errors import SettingInvalid

Command = Callable[..., Any]


def consent_option(command: Command) -> Command:
    """`--yes`, by which one agrees beforehand."""
    return click.option("--yes", "-y", "is_agreed", is_flag=True, help="Do it without asking.")(command)


def ask_consent(question: str, *, is_agreed: bool) -> None:
    """Return once somebody agrees. Raises SettingInvalid where nobody can be asked, else DeployError."""
    if is_agreed:
        return
    if not sys.stdin.isatty():
        raise SettingInvalid(
            "This needs your consent, and there is nobody to ask.", "Look at the plan, and pass --yes."
        )
    try:
        if click.confirm(question, err=True):
            return
    except click.Abort:
        raise KeyboardInterrupt from None
    raise DeployError("Nothing was changed.", "Run it again and answer y, or pass --yes.")

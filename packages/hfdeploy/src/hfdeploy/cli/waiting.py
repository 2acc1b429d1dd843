"""What `deploy` and `apply` can be told to wait for: the gate's options, read the same way."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import click

from hfdeploy_core import Gate, RepoType, parse_probe
from hfdeploy_core.errors import SettingInvalid

Command = Callable[..., Any]

_OPTIONS = (
    click.option(
        "--wait/--no-wait",
        "is_awaited",
        default=None,
        help="Return once the Space runs this very commit; the default in CI and at a terminal.",
    ),
    click.option(
        "--wait-seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=Gate().wait_seconds,
        show_default=True,
        help="How long to wait for it.",
    ),
    click.option(
        "--probe",
        "probes",
        metavar="PROBE",
        multiple=True,
        help="Ask the running app: PATH, PATH=STATUS, 'PATH text=WORDS', 'PATH json={...}' or ws:PATH;"
        " repeatable.",
    ),
)


_ROLLBACK = click.option(
    "--rollback-on-failure",
    "rolls_back",
    is_flag=True,
    help="Put back what was there before, if this does not get live.",
)


def rollback_option(command: Command) -> Command:
    """Whether what does not get live is undone."""
    return _ROLLBACK(command)


def waiting_options(command: Command) -> Command:
    """Whether to wait, how long, and what to ask the app then."""
    return reduce(lambda decorated, decorator: decorator(decorated), reversed(_OPTIONS), command)


def read_gate(
    repo_type: str,
    *,
    is_awaited: bool | None,
    wait_seconds: float,
    probes: Sequence[str],
    rolls_back: bool = False,
) -> Gate | None:
    """The gate that is asked for, or that goes without saying. Raises SettingInvalid."""
    if is_awaited is False and (probes or rolls_back):
        option = "--probe" if probes else "--rollback-on-failure"
        raise SettingInvalid(
            f"--no-wait and {option} contradict each other.",
            "Whether an app does well shows once it is live: drop --no-wait.",
        )
    if is_awaited is None:
        is_watched = bool(os.environ.get("CI")) or sys.stdout.isatty()
        is_awaited = bool(probes) or rolls_back or (is_watched and repo_type == RepoType.SPACE)
    return Gate(wait_seconds, tuple(map(parse_probe, probes)), rolls_back) if is_awaited else None

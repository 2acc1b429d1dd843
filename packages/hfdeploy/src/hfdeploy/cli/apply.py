"""`hfdeploy apply`."""

import os
from collections.abc import Sequence
from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import secrets_file_option, told_options
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.relaying import recall_relay
from hfdeploy.cli.secrets import find_secrets
from hfdeploy.cli.waiting import read_gate, waiting_options
from hfdeploy.render import open_renderer


@click.command()
@click.argument("file", metavar="PLAN")
@secrets_file_option
@waiting_options
@told_options
def apply(
    *,
    file: str,
    secrets_file: str | None,
    is_awaited: bool | None,
    wait_seconds: float,
    probes: Sequence[str],
    as_json: bool,
    debug: bool,
    **told: Any,
) -> None:
    """Carry out exactly the plan that `hfdeploy plan --out PLAN` saved, or nothing.

    It is refused if the repo, the source or a setting has changed since. The values of secrets come from the
    environment or FILE.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        plan = hfdeploy_core.load_plan(file)
        secrets = find_secrets(plan, secrets_file, os.environ)
        gate = read_gate(plan.repo.type, is_awaited=is_awaited, wait_seconds=wait_seconds, probes=probes)
        relay = recall_relay(plan, os.environ)
        hfdeploy_core.apply(plan, secrets=secrets, relay=relay, gate=gate, **told, on_event=renderer.show)

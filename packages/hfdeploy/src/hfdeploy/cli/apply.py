"""`hfdeploy apply`."""

import os
from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import secrets_file_option, told_options
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.secrets import find_secrets
from hfdeploy.render import open_renderer


@click.command()
@click.argument("file", metavar="PLAN")
@secrets_file_option
@told_options
def apply(*, file: str, secrets_file: str | None, as_json: bool, debug: bool, **told: Any) -> None:
    """Carry out exactly the plan that `hfdeploy plan --out PLAN` saved, or nothing.

    It is refused if the repo, the source or a setting has changed since. The values of secrets come from the
    environment or FILE.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        plan = hfdeploy_core.load_plan(file)
        secrets = find_secrets(plan, secrets_file, os.environ)
        hfdeploy_core.apply(plan, secrets=secrets, **told, on_event=renderer.show)

"""`hfdeploy apply`."""

from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import told_options
from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer


@click.command()
@click.argument("file", metavar="PLAN")
@told_options
def apply(*, file: str, as_json: bool, debug: bool, **told: Any) -> None:
    """Carry out exactly the plan that `hfdeploy plan --out PLAN` saved, or nothing.

    It is refused if the repo, the source or a setting has changed since.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        hfdeploy_core.apply(hfdeploy_core.load_plan(file), **told, on_event=renderer.show)

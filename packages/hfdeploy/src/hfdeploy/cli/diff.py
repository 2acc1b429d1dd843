"""`hfdeploy diff`."""

from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import asked_options, debug_option, read_asked, state_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer


@click.command()
@asked_options
@state_option
@debug_option
def diff(*, debug: bool, **asked: Any) -> None:
    """Show line by line what `deploy` would change.

    Nothing is changed. What is binary or large is told by its size.
    """
    with open_renderer(as_json=False) as renderer, told_failures(renderer, debug=debug):
        for text in hfdeploy_core.diff(**read_asked(asked)):
            click.echo(text)

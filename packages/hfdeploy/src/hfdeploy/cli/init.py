"""`hfdeploy init`."""

import click

from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer


@click.command()
@click.argument("repos", metavar="[REPO...]", nargs=-1)
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def init(repos: tuple[str, ...], debug: bool) -> None:
    """Write hfdeploy.yaml for what is here, and for each REPO.

    Each folder here that looks like one becomes a target. REPO is [models/|datasets/|spaces/]NAMESPACE/NAME.
    Its settings are written down as they are; of secrets, where their values are looked for.
    """
    with open_renderer(as_json=False) as renderer, told_failures(renderer, debug=debug):
        from hfdeploy_core import project

        project.init_project(repos=repos, on_event=renderer.show)
        click.echo("Look at it, then run hfdeploy plan.")

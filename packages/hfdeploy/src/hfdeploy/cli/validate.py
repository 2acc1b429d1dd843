"""`hfdeploy validate`."""

import click

from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.manifest import find_file, manifest_option
from hfdeploy.render import open_renderer


@click.command()
@manifest_option
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def validate(manifest: str | None, as_json: bool, debug: bool) -> None:
    """Say what is wrong with hfdeploy.yaml.

    It is looked at as it is, and with each of its profiles. Neither the Hub nor the environment is looked at.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        from hfdeploy_core import project

        project.validate(find_file(manifest), on_event=renderer.show)

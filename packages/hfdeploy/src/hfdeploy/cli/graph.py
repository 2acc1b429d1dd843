"""`hfdeploy graph`."""

import click

from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.manifest import load_manifest, manifest_options
from hfdeploy.render import open_renderer


@click.command()
@manifest_options
@click.option("--mermaid", is_flag=True, help="As a flowchart for mermaid.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def graph(manifest: str | None, profile: str | None, mermaid: bool, debug: bool) -> None:
    """Draw what the targets of hfdeploy.yaml need of each other."""
    with open_renderer(as_json=False) as renderer, told_failures(renderer, debug=debug):
        loaded = load_manifest(manifest, profile).manifest
        from hfdeploy_core.manifest.drawing import draw_mermaid, draw_text

        click.echo(draw_mermaid(loaded) if mermaid else draw_text(loaded))

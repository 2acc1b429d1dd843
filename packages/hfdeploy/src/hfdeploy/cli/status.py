"""`hfdeploy status`."""

import click

import hfdeploy_core
from hfdeploy.cli.asking import told_options, type_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer
from hfdeploy.render.status import say_status


@click.command()
@click.argument("repo", metavar="REPO")
@type_option
@click.option("--plan", "file", metavar="FILE", help="Compare with what this saved plan leaves.")
@told_options
def status(
    *, repo: str, repo_type: str, file: str | None, state: str | None, as_json: bool, debug: bool
) -> None:
    """Show what REPO holds, where that comes from, and what others have changed since.

    Settings are compared with what the journal in DIR says.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        plan = hfdeploy_core.load_plan(file) if file is not None else None
        found = hfdeploy_core.status(
            repo, repo_type=repo_type, plan=plan, state=state, on_event=renderer.show
        )
        renderer.show_answer("status", found, say_status(found))

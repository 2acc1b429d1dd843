"""`hfdeploy doctor`."""

import click

import hfdeploy_core
from hfdeploy.cli.asking import debug_option, type_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer


@click.command()
@click.argument("repo", metavar="[REPO]", required=False)
@type_option
@click.option("--json", "as_json", is_flag=True, help="Print findings as JSON, one a line.")
@debug_option
def doctor(*, repo: str | None, repo_type: str, as_json: bool, debug: bool) -> None:
    """Find out what keeps a deploy to REPO from working.

    Versions, network, clock, credential and rights are looked at. Nothing is changed, and no token shown. The
    exit code is that of the first error.
    """
    exit_code = 0
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        for found in hfdeploy_core.diagnose(repo, repo_type=repo_type, on_event=renderer.show):
            exit_code = exit_code or found.exit_code
            words = f"{found.words} {found.remedy}".rstrip()
            renderer.show_answer("finding", found, f"{found.level:<8} {found.subject:<11} {words}")
    raise click.exceptions.Exit(exit_code)

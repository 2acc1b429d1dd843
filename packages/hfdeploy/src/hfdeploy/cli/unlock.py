"""`hfdeploy unlock`."""

import click

from hfdeploy.cli.consenting import ask_consent, consent_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.manifest import load_manifest, manifest_options, preview_option
from hfdeploy.render import open_renderer


@click.command()
@manifest_options
@preview_option
@consent_option
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one a line.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def unlock(
    manifest: str | None,
    profile: str | None,
    preview: str | None,
    is_agreed: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Take away the lock of a run that was killed.

    It lies on the state of hfdeploy.yaml. A run on this machine leaves none, and any other an hour at most.
    Make sure that nobody is at work.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        from hfdeploy_core import project

        loaded = load_manifest(manifest, profile, preview)
        lock = project.find_lock(loaded, on_event=renderer.show)
        if lock is None:
            click.echo("Nobody is at work.", err=True)
            return
        ask_consent(f"{lock.holder} is at work until {lock.until:%H:%M:%S %Z}. Go on?", is_agreed=is_agreed)
        project.unlock_project(loaded, lock, on_event=renderer.show)

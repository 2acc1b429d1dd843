"""`hfdeploy destroy`."""

import os

import click

import hfdeploy_core
from hfdeploy.cli.asking import type_option
from hfdeploy.cli.consenting import ask_consent, consent_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.relaying import make_relay
from hfdeploy.render import open_renderer
from hfdeploy_core.errors import SettingInvalid


@click.command()
@click.argument("repo", metavar="REPO")
@type_option
@click.option("--with-proxy", is_flag=True, help="And the relay in front of it.")
@click.option(
    "--proxy-suffix", metavar="TEXT", help="What the relay's name has more than REPO; -proxy by default."
)
@consent_option
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one a line.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def destroy(
    *,
    repo: str,
    repo_type: str,
    with_proxy: bool,
    proxy_suffix: str | None,
    is_agreed: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Delete REPO for good, after listing what that is. Nothing brings it back."""
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        if proxy_suffix is not None and not with_proxy:
            raise SettingInvalid("--proxy-suffix is about the relay.", "Add --with-proxy.")
        relay = make_relay(os.environ, proxy_suffix=proxy_suffix) if with_proxy else None
        plan = hfdeploy_core.plan_destroy(repo, repo_type=repo_type, relay=relay, on_event=renderer.show)
        ask_consent("Delete it for good?", is_agreed=is_agreed)
        hfdeploy_core.destroy(plan, on_event=renderer.show)

"""`hfdeploy preview`: what is deployed for a pull request, and goes by itself."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import asked_options, debug_option, read_asked, report_option, told_options
from hfdeploy.cli.consenting import ask_consent, consent_option
from hfdeploy.cli.expiring import read_expiry, tell_expiry
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.relaying import make_relay
from hfdeploy.cli.waiting import read_gate, rollback_option, waiting_options
from hfdeploy.render import open_renderer
from hfdeploy_core.planning.previews import MOST_PREVIEWS

_ID = click.option("--id", "id", required=True, metavar="ID", help="Which preview, for example pr-123.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


@click.group(no_args_is_help=True)
def preview() -> None:
    """Short-lived Spaces beside the one that they are previews of."""


@preview.command()
@asked_options
@_ID
@click.option(
    "--ttl", default="3d", show_default=True, metavar="TIME", help="How long the janitor leaves it, at least."
)
@click.option(
    "--max-previews",
    type=click.IntRange(min=1),
    default=MOST_PREVIEWS,
    show_default=True,
    help="How many of them REPO may have.",
)
@waiting_options
@rollback_option
@report_option
@told_options
def create(
    *,
    id: str,
    ttl: str,
    max_previews: int,
    is_awaited: bool | None,
    wait_seconds: float,
    probes: Sequence[str],
    rolls_back: bool,
    report: str | None,
    as_json: bool,
    debug: bool,
    **asked: Any,
) -> None:
    """Deploy SOURCE to the preview ID of the Space REPO.

    That is the Space REPO-ID, made if it is missing. It is private and on hardware that costs nothing, unless
    told. Its card says when it expires, in words that `hfdeploy janitor` knows; each push makes that later.
    """
    with open_renderer(as_json=as_json, report=report) as renderer, told_failures(renderer, debug=debug):
        gate = read_gate(
            asked["repo_type"],
            is_awaited=is_awaited,
            wait_seconds=wait_seconds,
            probes=probes,
            rolls_back=rolls_back,
        )
        hfdeploy_core.create_preview(
            **read_asked(asked),
            id=id,
            tags=(tell_expiry(ttl, datetime.now(UTC)),),
            most=max_previews,
            gate=gate,
            on_event=renderer.show,
        )


@preview.command("list")
@click.argument("repo", metavar="REPO")
@_JSON
@debug_option
def list_(*, repo: str, as_json: bool, debug: bool) -> None:
    """Show the previews of the Space REPO."""
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        for found in hfdeploy_core.list_previews(repo):
            expires = read_expiry(found.tags)
            told = {"event": "preview", "id": found.id, "repo_id": found.repo_id, "expires": expires}
            line = f"{found.id}  {found.repo_id}  until {expires or 'somebody deletes it'}"
            click.echo(json.dumps(told) if as_json else line)


@preview.command()
@click.argument("repo", metavar="REPO")
@_ID
@click.option("--with-proxy", is_flag=True, help="And the relay in front of it.")
@consent_option
@_JSON
@debug_option
def destroy(*, repo: str, id: str, with_proxy: bool, is_agreed: bool, as_json: bool, debug: bool) -> None:
    """Delete the preview ID of the Space REPO."""
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        relay = make_relay(os.environ) if with_proxy else None
        plan = hfdeploy_core.plan_destroy_preview(repo, id=id, relay=relay, on_event=renderer.show)
        ask_consent("Delete it for good?", is_agreed=is_agreed)
        hfdeploy_core.destroy(plan, on_event=renderer.show)

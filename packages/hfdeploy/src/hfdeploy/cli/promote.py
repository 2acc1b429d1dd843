"""`hfdeploy promote`."""

from collections.abc import Sequence
from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import report_option, told_options
from hfdeploy.cli.consenting import ask_consent, consent_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.waiting import read_gate, rollback_option, waiting_options
from hfdeploy.render import open_renderer
from hfdeploy_core import RepoType


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("repo", metavar="TO")
@consent_option
@waiting_options
@rollback_option
@report_option
@told_options
def promote(
    *,
    source: str,
    repo: str,
    is_agreed: bool,
    is_awaited: bool | None,
    wait_seconds: float,
    probes: Sequence[str],
    rolls_back: bool,
    state: str | None,
    report: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Make the Space TO hold exactly what the Space FROM holds.

    It is one commit, made on the Hub. Settings, variables and secrets of TO stay as they are. What the card
    of a preview says of its expiry does not come along.
    """
    with open_renderer(as_json=as_json, report=report) as renderer, told_failures(renderer, debug=debug):
        gate = read_gate(
            RepoType.SPACE,
            is_awaited=is_awaited,
            wait_seconds=wait_seconds,
            probes=probes,
            rolls_back=rolls_back,
        )
        # Imported here: only previews and this verb know the janitor.
        from hfdeploy_janitor.decide import EXPIRES_TAG

        told: dict[str, Any] = {"on_event": renderer.show}
        plan = hfdeploy_core.plan_promote(source, repo, drop_tags=EXPIRES_TAG, **told)
        renderer.show_plan(plan)
        if plan.changes:
            ask_consent(f"Put all of {source} into {plan.repo}?", is_agreed=is_agreed)
        hfdeploy_core.apply(plan, gate=gate, state=state, **told)

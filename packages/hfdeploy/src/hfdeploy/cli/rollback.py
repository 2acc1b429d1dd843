"""`hfdeploy rollback`."""

from collections.abc import Sequence
from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import report_option, told_options, type_option
from hfdeploy.cli.consenting import ask_consent, consent_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.waiting import read_gate, waiting_options
from hfdeploy.render import open_renderer


@click.command()
@click.argument("repo", metavar="REPO")
@type_option
@click.option("--to", metavar="REV", help="A commit, branch or tag; else the deploy before the live one.")
@consent_option
@waiting_options
@report_option
@told_options
def rollback(
    *,
    repo: str,
    repo_type: str,
    to: str | None,
    is_agreed: bool,
    is_awaited: bool | None,
    wait_seconds: float,
    probes: Sequence[str],
    state: str | None,
    report: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Put back what REPO held at an earlier commit, in one commit.

    Large files stay on the Hub; small ones that differ are read from there and put into the commit. Settings
    go back as far as the journal in DIR knows them.
    """
    with open_renderer(as_json=as_json, report=report) as renderer, told_failures(renderer, debug=debug):
        gate = read_gate(repo_type, is_awaited=is_awaited, wait_seconds=wait_seconds, probes=probes)
        told: dict[str, Any] = {"state": state, "on_event": renderer.show}
        plan = hfdeploy_core.plan_rollback(repo, to=to, repo_type=repo_type, **told)
        renderer.show_plan(plan)
        if plan.changes:
            ask_consent(f"Roll {plan.repo} back?", is_agreed=is_agreed)
        hfdeploy_core.apply(plan, gate=gate, **told)

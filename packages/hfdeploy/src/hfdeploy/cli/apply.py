"""`hfdeploy apply`."""

import os
from collections.abc import Sequence
from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import report_option, secrets_file_option, told_options
from hfdeploy.cli.consenting import ask_consent, consent_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.manifest import (
    OF_TARGETS,
    apply_manifest,
    load_manifest,
    manifest_options,
    means_plan,
    plan_manifest,
    preview_option,
    recall_manifest_plan,
    refuse_others,
)
from hfdeploy.cli.relaying import recall_relay
from hfdeploy.cli.secrets import find_secrets
from hfdeploy.cli.waiting import read_gate, rollback_option, waiting_options
from hfdeploy.render import open_renderer
from hfdeploy_core.saving import is_of_targets


@click.command()
@click.argument("words", metavar="[PLAN | TARGET...]", nargs=-1)
@manifest_options
@preview_option
@consent_option
@report_option
@secrets_file_option
@waiting_options
@rollback_option
@told_options
@click.pass_context
def apply(
    context: click.Context,
    /,
    *,
    words: tuple[str, ...],
    manifest: str | None,
    profile: str | None,
    preview: str | None,
    is_agreed: bool,
    report: str | None,
    secrets_file: str | None,
    is_awaited: bool | None,
    wait_seconds: float,
    probes: Sequence[str],
    rolls_back: bool,
    as_json: bool,
    debug: bool,
    **told: Any,
) -> None:
    """Carry out a saved plan, or make what hfdeploy.yaml says.

    PLAN is what `hfdeploy plan ... --out PLAN` saved: exactly that is done, or nothing. It is refused if a
    repo, a source, a setting or the manifest has changed since. The values of secrets come from the
    environment or FILE.

    Of the manifest, the targets that are named are planned with what they need, all if none is; you are
    asked; then what needs nothing of each other is applied at the same time. One word is a PLAN if it is a
    file and no target.
    """
    with open_renderer(as_json=as_json, report=report) as renderer, told_failures(renderer, debug=debug):
        if not means_plan(words, manifest, profile, preview):
            refuse_others(context, {*OF_TARGETS, "is_agreed", "report"}, of="the targets of a manifest")
            made = plan_manifest(renderer, words, load_manifest(manifest, profile, preview))
            if made.has_work:
                ask_consent("Apply this?", is_agreed=is_agreed)
            apply_manifest(renderer, made)
            return
        if is_of_targets(words[0]):
            refuse_others(context, {"is_agreed", "report"}, of="the plan of a manifest")
            apply_manifest(renderer, recall_manifest_plan(renderer, words[0]))
            return
        plan = hfdeploy_core.load_plan(words[0])
        secrets = find_secrets(plan, secrets_file, os.environ)
        gate = read_gate(
            plan.repo.type,
            is_awaited=is_awaited,
            wait_seconds=wait_seconds,
            probes=probes,
            rolls_back=rolls_back,
        )
        relay = recall_relay(plan, os.environ)
        hfdeploy_core.apply(plan, secrets=secrets, relay=relay, gate=gate, **told, on_event=renderer.show)

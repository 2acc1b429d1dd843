"""`hfdeploy destroy`."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

import hfdeploy_core
from hfdeploy.cli.asking import report_option, type_option
from hfdeploy.cli.consenting import ask_consent, consent_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.manifest import (
    OF_TARGETS,
    load_manifest,
    manifest_options,
    means_repo,
    preview_option,
    refuse_others,
)
from hfdeploy.cli.relaying import make_relay
from hfdeploy.render import open_renderer
from hfdeploy.render.port import Renderer
from hfdeploy_core.errors import SettingInvalid

if TYPE_CHECKING:
    from hfdeploy_core.project import Project


@click.command()
@click.argument("words", metavar="[REPO | TARGET...]", nargs=-1)
@manifest_options
@preview_option
@type_option
@click.option("--with-proxy", is_flag=True, help="And the relay in front of it.")
@click.option(
    "--proxy-suffix", metavar="TEXT", help="What the relay's name has more than REPO; -proxy by default."
)
@consent_option
@report_option
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one a line.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
@click.pass_context
def destroy(
    context: click.Context,
    /,
    *,
    words: tuple[str, ...],
    manifest: str | None,
    profile: str | None,
    preview: str | None,
    repo_type: str,
    with_proxy: bool,
    proxy_suffix: str | None,
    is_agreed: bool,
    report: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Delete REPO for good, or what `hfdeploy apply` has made.

    What that is is listed first, and you are asked. Of hfdeploy.yaml, the targets that are named go with
    those that need them, all if none is named; a repo that was there before `apply` is kept. Nothing brings
    back what is deleted. Where there is an hfdeploy.yaml, a word is a TARGET unless it has a slash.
    """
    with open_renderer(as_json=as_json, report=report) as renderer, told_failures(renderer, debug=debug):
        if not means_repo(words, manifest, profile, preview):
            refuse_others(context, {*OF_TARGETS, "is_agreed", "report"}, of="the targets of a manifest")
            _destroy_targets(renderer, words, load_manifest(manifest, profile, preview), is_agreed=is_agreed)
            return
        if proxy_suffix is not None and not with_proxy:
            raise SettingInvalid("--proxy-suffix is about the relay.", "Add --with-proxy.")
        relay = make_relay(os.environ, proxy_suffix=proxy_suffix) if with_proxy else None
        plan = hfdeploy_core.plan_destroy(words[0], repo_type=repo_type, relay=relay, on_event=renderer.show)
        ask_consent("Delete it for good?", is_agreed=is_agreed)
        hfdeploy_core.destroy(plan, on_event=renderer.show)


def _destroy_targets(renderer: Renderer, names: Sequence[str], loaded: "Project", *, is_agreed: bool) -> None:
    from hfdeploy_core import project

    plan = project.plan_destroy_project(loaded, names, on_event=renderer.show)
    if plan.repos:
        ask_consent("Delete these for good?", is_agreed=is_agreed)
    project.destroy_project(plan, on_event=renderer.show)

"""`hfdeploy plan`."""

from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import read_asked, report_option, setting_options, told_options
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.manifest import (
    OF_TARGETS,
    load_manifest,
    manifest_options,
    means_targets,
    plan_manifest,
    preview_option,
    refuse_others,
    save_manifest_plan,
)
from hfdeploy.render import open_renderer
from hfdeploy_core.events import Warned
from hfdeploy_core.globs import escape
from hfdeploy_core.running.finding import find_manifest
from hfdeploy_core.saving import find_in_source

_FAILED, _CHANGES = 1, 2
_DETAILED = "--detailed-exitcode"


class _Misunderstood(click.UsageError):
    exit_code = _FAILED


class _Plan(click.Command):
    """With --detailed-exitcode, 2 means changes: a command line that cannot be understood must not."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        is_detailed = _DETAILED in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if is_detailed:
                raise _Misunderstood(error.format_message(), error.ctx) from None
            raise


@click.command(cls=_Plan)
@click.argument("words", metavar="[SOURCE REPO | TARGET...]", nargs=-1)
@setting_options
@manifest_options
@preview_option
@click.option(
    _DETAILED, "is_detailed", is_flag=True, help="Exit with 0 for nothing to do, 2 for changes, 1 for errors."
)
@click.option("--out", metavar="FILE", help="Save the plan, for `hfdeploy apply FILE`.")
@report_option
@told_options
@click.pass_context
def plan(
    context: click.Context,
    /,
    *,
    words: tuple[str, ...],
    manifest: str | None,
    profile: str | None,
    preview: str | None,
    out: str | None,
    is_detailed: bool,
    report: str | None,
    as_json: bool,
    debug: bool,
    **asked: Any,
) -> None:
    """Show what `deploy` or `apply` would change; change nothing.

    Two words are SOURCE REPO of a `deploy`, unless the first one is a target in hfdeploy.yaml here and the
    second one has no slash. Else it is about hfdeploy.yaml: the targets that are named and what they need,
    all if none is.
    """
    if len(words) == 1 and manifest is None and find_manifest() is None:
        failure = _Misunderstood if is_detailed else click.UsageError
        raise failure("Missing argument 'REPO'.", context)
    failed = _FAILED if is_detailed else None
    with (
        open_renderer(as_json=as_json, report=report) as renderer,
        told_failures(renderer, debug=debug, exit_code=failed),
    ):
        if means_targets(words, manifest, profile, preview):
            refuse_others(
                context, {*OF_TARGETS, "is_detailed", "out", "report"}, of="the targets of a manifest"
            )
            targets = plan_manifest(renderer, words, load_manifest(manifest, profile, preview))
            if out is not None:
                save_manifest_plan(targets, manifest, out)
            has_changes = targets.has_changes
        else:
            source, repo = words
            options = read_asked({**asked, "source": source, "repo": repo})
            own = None if out is None else find_in_source(out, source)
            if own is not None:
                options["exclude"] = (*options["exclude"], f"/{escape(own)}")
            made = hfdeploy_core.plan(**options, on_event=renderer.show)
            if out is not None:
                hfdeploy_core.save_plan(made, out)
            if own is not None:
                renderer.show(Warned(f"{own} lies in the source: a later deploy takes it along."))
            renderer.show_plan(made)
            has_changes = bool(made.changes)
    if is_detailed and has_changes:
        raise click.exceptions.Exit(_CHANGES)

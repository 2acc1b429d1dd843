"""`hfdeploy plan`."""

from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import asked_options, read_asked, told_options
from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer

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
@asked_options
@click.option(
    _DETAILED, "is_detailed", is_flag=True, help="Exit with 0 for nothing to do, 2 for changes, 1 for errors."
)
@click.option("--out", metavar="FILE", help="Save the plan, for `hfdeploy apply FILE`.")
@told_options
def plan(*, out: str | None, is_detailed: bool, as_json: bool, debug: bool, **asked: Any) -> None:
    """Show what `deploy` would change, and change nothing."""
    failed = _FAILED if is_detailed else None
    with (
        open_renderer(as_json=as_json) as renderer,
        told_failures(renderer, debug=debug, exit_code=failed),
    ):
        made = hfdeploy_core.plan(**read_asked(asked), on_event=renderer.show)
        if out is not None:
            hfdeploy_core.save_plan(made, out)
        renderer.show_plan(made)
    if is_detailed and made.changes:
        raise click.exceptions.Exit(_CHANGES)

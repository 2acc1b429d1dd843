"""`hfdeploy deploy`."""

from collections.abc import Sequence
from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.asking import asked_options, read_asked, report_option, told_options
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.waiting import read_gate, rollback_option, waiting_options
from hfdeploy.render import open_renderer


@click.command()
@asked_options
@waiting_options
@rollback_option
@report_option
@told_options
def deploy(
    *,
    is_awaited: bool | None,
    wait_seconds: float,
    probes: Sequence[str],
    rolls_back: bool,
    report: str | None,
    as_json: bool,
    debug: bool,
    **asked: Any,
) -> None:
    """Make REPO hold the files of the folder SOURCE, in one commit.

    REPO is NAMESPACE/NAME, or NAME for your own namespace; it is created if it is missing. What you do not
    ask for stays as it is: the visibility of an existing repo, and files that SOURCE lacks. The token comes
    from HF_TOKEN or `hf auth login`.
    """
    with open_renderer(as_json=as_json, report=report) as renderer, told_failures(renderer, debug=debug):
        gate = read_gate(
            asked["repo_type"],
            is_awaited=is_awaited,
            wait_seconds=wait_seconds,
            probes=probes,
            rolls_back=rolls_back,
        )
        hfdeploy_core.deploy(**read_asked(asked), gate=gate, on_event=renderer.show)

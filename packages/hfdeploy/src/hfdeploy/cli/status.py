"""`hfdeploy status`."""

import click

import hfdeploy_core
from hfdeploy.cli.asking import told_options, type_option
from hfdeploy.cli.failing import told_failures
from hfdeploy.cli.manifest import (
    OF_TARGETS,
    load_manifest,
    manifest_options,
    means_repo,
    preview_option,
    refuse_others,
)
from hfdeploy.render import open_renderer
from hfdeploy.render.status import say_project, say_status


@click.command()
@click.argument("words", metavar="[REPO | TARGET...]", nargs=-1)
@manifest_options
@preview_option
@type_option
@click.option("--plan", "file", metavar="FILE", help="Compare with what this saved plan leaves.")
@told_options
@click.pass_context
def status(
    context: click.Context,
    /,
    *,
    words: tuple[str, ...],
    manifest: str | None,
    profile: str | None,
    preview: str | None,
    repo_type: str,
    file: str | None,
    state: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Show what REPO holds, and where that comes from.

    What others have changed since is told, too. Settings are compared with what the journal in DIR says.
    Without REPO, the same of the targets of hfdeploy.yaml, all if none is named. Where there is one, a word
    is a TARGET unless it has a slash.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        if not means_repo(words, manifest, profile, preview):
            refuse_others(context, OF_TARGETS, of="the targets of a manifest")
            from hfdeploy_core import project

            loaded = load_manifest(manifest, profile, preview)
            shown = project.status_project(loaded, words, on_event=renderer.show)
            renderer.show_answer("status", shown, say_project(shown))
            return
        plan = hfdeploy_core.load_plan(file) if file is not None else None
        found = hfdeploy_core.status(
            words[0], repo_type=repo_type, plan=plan, state=state, on_event=renderer.show
        )
        renderer.show_answer("status", found, say_status(found))

"""`hfdeploy deploy`."""

from typing import Annotated

import typer

import hfdeploy_core
from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer
from hfdeploy_core import RepoType, Sdk, Visibility
from hfdeploy_core.errors import SettingInvalid


def deploy(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="The folder to deploy.", show_default=False)
    ],
    repo: Annotated[
        str,
        typer.Argument(
            metavar="REPO", help="NAMESPACE/NAME, or NAME for your own namespace.", show_default=False
        ),
    ],
    repo_type: Annotated[RepoType, typer.Option("--type", help="What kind of repo.")] = RepoType.SPACE,
    sdk: Annotated[
        Sdk | None, typer.Option(help="What runs the Space; else what README.md says.", show_default=False)
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Only you and your organization see it.")
    ] = False,
    public: Annotated[bool, typer.Option("--public", help="Everybody sees it.")] = False,
    protected: Annotated[
        bool, typer.Option("--protected", help="Everybody uses the app, only you see the source.")
    ] = False,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="The commit's message.", show_default=False)
    ] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Delete remote files that SOURCE lacks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as JSON, one a line.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
) -> None:
    """Make REPO hold the files of the folder SOURCE, in one commit.

    The repo is created if it is missing. What you do not ask for stays as it is: the visibility of an
    existing repo, and files that SOURCE lacks. The token comes from HF_TOKEN or `hf auth login`.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        hfdeploy_core.deploy(
            source,
            repo,
            repo_type=repo_type,
            sdk=sdk,
            visibility=_choose_visibility(private=private, public=public, protected=protected),
            message=message,
            mirror=mirror,
            on_event=renderer.show,
        )


def _choose_visibility(**flags: bool) -> Visibility | None:
    chosen = [name for name, is_set in flags.items() if is_set]
    if len(chosen) > 1:
        named = " and ".join(f"--{name}" for name in chosen)
        raise SettingInvalid(f"{named} contradict each other.", "Keep one of them.")
    return Visibility(chosen[0]) if chosen else None

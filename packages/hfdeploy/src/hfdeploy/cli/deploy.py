"""`hfdeploy deploy`."""

from typing import Any

import click

import hfdeploy_core
from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer
from hfdeploy_core import RepoType, Sdk, Visibility
from hfdeploy_core.errors import SettingInvalid


@click.command()
@click.argument("source", metavar="SOURCE")
@click.argument("repo", metavar="REPO")
@click.option(
    "--type",
    "repo_type",
    type=click.Choice([kind.value for kind in RepoType]),
    default=RepoType.SPACE.value,
    show_default=True,
    help="What kind of repo.",
)
@click.option(
    "--sdk",
    type=click.Choice([sdk.value for sdk in Sdk]),
    help="What runs the Space; else what README.md says.",
)
@click.option("--private", is_flag=True, help="Only you and your organization see it.")
@click.option("--public", is_flag=True, help="Everybody sees it.")
@click.option("--protected", is_flag=True, help="Everybody uses the app, only you see the source.")
@click.option("--message", "-m", help="The commit's message.")
@click.option("--mirror", is_flag=True, help="Delete remote files that SOURCE lacks.")
@click.option("--state", metavar="DIR", help="Where hashes are kept; .hfdeploy in SOURCE by default.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one a line.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def deploy(*, private: bool, public: bool, protected: bool, as_json: bool, debug: bool, **asked: Any) -> None:
    """Make REPO hold the files of the folder SOURCE, in one commit.

    REPO is NAMESPACE/NAME, or NAME for your own namespace; it is created if it is missing. What you do not
    ask for stays as it is: the visibility of an existing repo, and files that SOURCE lacks. The token comes
    from HF_TOKEN or `hf auth login`.
    """
    with open_renderer(as_json=as_json) as renderer, told_failures(renderer, debug=debug):
        visibility = _choose_visibility(private=private, public=public, protected=protected)
        hfdeploy_core.deploy(**asked, visibility=visibility, on_event=renderer.show)


def _choose_visibility(**flags: bool) -> Visibility | None:
    chosen = [name for name, is_set in flags.items() if is_set]
    if len(chosen) > 1:
        named = " and ".join(f"--{name}" for name in chosen)
        raise SettingInvalid(f"{named} contradict each other.", "Keep one of them.")
    return Visibility(chosen[0]) if chosen else None

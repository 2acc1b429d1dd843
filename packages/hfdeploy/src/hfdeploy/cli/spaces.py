"""The verbs for a Space that is there: `logs`, `restart`, `pause`, `wake`, `open`."""

from collections.abc import Callable

import click

from hfdeploy.cli.failing import told_failures
from hfdeploy.render import open_renderer
from hfdeploy_core import spaces
from hfdeploy_core.space import LogKind, Runtime

_REPO = click.argument("repo", metavar="REPO")
_DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of a failure.")


@click.command()
@_REPO
@click.option("--build", "kind", flag_value=LogKind.BUILD.value, help="How it was built.")
@click.option(
    "--run", "kind", flag_value=LogKind.RUN.value, default=True, help="What the app says. [default]"
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
@_DEBUG
def logs(repo: str, kind: str, follow: bool, debug: bool) -> None:
    """Print a log of the Space REPO."""
    with (
        open_renderer(as_json=False) as renderer,
        told_failures(renderer, debug=debug),
        spaces.read_log(repo, kind, follow=follow) as lines,
    ):
        for line in lines:
            click.echo(line.text)


@click.command()
@_REPO
@_DEBUG
def restart(repo: str, debug: bool) -> None:
    """Start the Space REPO anew, also one that is paused or stopped."""
    _act(spaces.restart, repo, debug)


@click.command()
@_REPO
@_DEBUG
def pause(repo: str, debug: bool) -> None:
    """Stop the Space REPO until somebody restarts it."""
    _act(spaces.pause, repo, debug)


@click.command()
@_REPO
@_DEBUG
def wake(repo: str, debug: bool) -> None:
    """Get the Space REPO running, also one that is paused."""
    _act(spaces.wake, repo, debug)


@click.command("open")
@_REPO
@_DEBUG
def open_(repo: str, debug: bool) -> None:
    """Show the Space REPO in the browser."""
    with open_renderer(as_json=False) as renderer, told_failures(renderer, debug=debug):
        url = spaces.find_space(repo).url
        click.echo(url)
        click.launch(url)


def _act(action: Callable[[str], Runtime], repo: str, debug: bool) -> None:
    with open_renderer(as_json=False) as renderer, told_failures(renderer, debug=debug):
        click.echo(f"{repo} is {action(repo).stage}")

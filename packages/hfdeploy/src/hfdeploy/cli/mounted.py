"""The commands of the other distributions, imported when they are asked for."""

from importlib import import_module
from importlib.util import find_spec
from typing import cast

import click


class _Late(click.Group):
    """A group that is imported when its verbs are wanted; it stands in ``module`` as ``attribute``."""

    def __init__(self, name: str, module: str, attribute: str, help: str) -> None:
        super().__init__(name, help=help, no_args_is_help=True)
        self._where = module, attribute

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._load().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._load().get_command(ctx, cmd_name)

    def _load(self) -> click.Group:
        module, attribute = self._where
        return cast("click.Group", getattr(import_module(module), attribute))


janitor = _Late(
    "janitor", "hfdeploy_janitor.cli", "app", "Delete what tests left behind on the Hub, and nothing else."
)
proxy = _Late("proxy", "hfdeploy_proxy.cli", "main", "Relay to a private Space from anywhere.")


# All words are its own, its help too: it is built on typer, which has a click of its own.
@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def localhub(words: tuple[str, ...]) -> None:
    """Serve the Hub on this machine, for tests and rehearsals."""
    if find_spec("hfdeploy_localhub") is None:
        raise click.ClickException("The local hub is not installed. Run pip install 'hfdeploy[localhub]'.")
    from hfdeploy_localhub.cli import app

    app(words, prog_name="hfdeploy localhub")

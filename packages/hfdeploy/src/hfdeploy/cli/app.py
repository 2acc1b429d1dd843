"""The command line as a whole: every verb is mounted here.

Built on click, which huggingface_hub brings along: what is friendlier imports for longer than a deploy takes
that changes nothing.
"""

from importlib import import_module
from typing import cast

import click

# Verb -> its module, and what it is called there if that is not its name.
_VERBS = {
    "apply": "apply",
    "deploy": "deploy",
    "destroy": "destroy",
    "diff": "diff",
    "doctor": "doctor",
    "graph": "graph",
    "init": "init",
    "janitor": "mounted",
    "localhub": "mounted",
    "logs": "spaces",
    "open": "spaces:open_",
    "pause": "spaces",
    "plan": "plan",
    "plugins": "plugins",
    "preview": "preview",
    "promote": "promote",
    "proxy": "mounted",
    "restart": "spaces",
    "rollback": "rollback",
    "status": "status",
    "unlock": "unlock",
    "validate": "validate",
    "wake": "spaces",
}


class Verbs(click.Group):
    """A group that imports a verb when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        module, _, name = _VERBS[cmd_name].partition(":")
        found = import_module(f"hfdeploy.cli.{module}")
        return cast("click.Command", getattr(found, name or cmd_name))


@click.group(cls=Verbs, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
# `main` answers --version on its own; here it is for the help, and beside a verb it means nothing.
@click.option("--version", is_flag=True, expose_value=False, help="Show the version and exit.")
def app() -> None:
    """Deploy to the Hugging Face Hub: one commit or none."""

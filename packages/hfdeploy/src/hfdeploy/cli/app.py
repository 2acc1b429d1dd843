"""The command line as a whole: every verb is mounted here."""

from typing import Annotated

import typer

from hfdeploy.cli.deploy import deploy

app = typer.Typer(
    help="Deploy to the Hugging Face Hub: one commit or none.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def hfdeploy(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    # `main` answers --version on its own; here it is for the help, and beside a verb it means nothing.
    pass


app.command()(deploy)

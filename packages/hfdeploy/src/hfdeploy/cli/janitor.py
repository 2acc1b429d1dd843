"""`hfdeploy janitor`: the command of hfdeploy-janitor, imported when it is asked for."""

import click


class Late(click.Group):
    """A group whose verbs cost nothing until one of them is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._load().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._load().get_command(ctx, cmd_name)

    def _load(self) -> click.Group:
        from hfdeploy_janitor.cli import app

        return app


janitor = Late(
    "janitor", help="Delete what tests left behind on the Hub, and nothing else.", no_args_is_help=True
)

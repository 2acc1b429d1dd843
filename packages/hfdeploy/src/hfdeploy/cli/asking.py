"""What `plan` and `deploy` can be asked for: the same options, read the same way."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from hfdeploy_core import RepoType, Sdk, Visibility
from hfdeploy_core.errors import SettingInvalid

Command = Callable[..., Any]

_VISIBILITIES = [visibility.value for visibility in Visibility]
_ASKED = (
    click.argument("source", metavar="SOURCE"),
    click.argument("repo", metavar="REPO"),
    click.option(
        "--type",
        "repo_type",
        type=click.Choice([kind.value for kind in RepoType]),
        default=RepoType.SPACE.value,
        show_default=True,
        help="What kind of repo.",
    ),
    click.option(
        "--sdk",
        type=click.Choice([sdk.value for sdk in Sdk]),
        help="What runs the Space; else what README.md says.",
    ),
    click.option("--private", is_flag=True, help="Only you and your organization see it."),
    click.option("--public", is_flag=True, help="Everybody sees it."),
    click.option("--protected", is_flag=True, help="Everybody uses the app, only you see the source."),
    click.option("--message", "-m", help="The commit's message."),
    click.option("--mirror", is_flag=True, help="Delete remote files that SOURCE lacks."),
)
_TOLD = (
    click.option("--state", metavar="DIR", help="Where hashes are kept; .hfdeploy in SOURCE by default."),
    click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one a line."),
    click.option("--debug", is_flag=True, help="Show the traceback of a failure."),
)


def asked_options(command: Command) -> Command:
    """Source, repo, and all that can be asked for it."""
    return _decorate(command, _ASKED)


def told_options(command: Command) -> Command:
    """How a verb that works on a source tells what it does."""
    return _decorate(command, _TOLD)


def read_asked(asked: dict[str, Any]) -> dict[str, Any]:
    """The options as `hfdeploy_core` takes them. Raises SettingInvalid."""
    return {
        **{name: value for name, value in asked.items() if name not in _VISIBILITIES},
        "visibility": _choose_visibility(**{name: asked[name] for name in _VISIBILITIES}),
    }


def _decorate(command: Command, decorators: tuple[Callable[[Command], Command], ...]) -> Command:
    return reduce(lambda decorated, decorator: decorator(decorated), reversed(decorators), command)


def _choose_visibility(**flags: bool) -> Visibility | None:
    chosen = [name for name, is_set in flags.items() if is_set]
    if len(chosen) > 1:
        named = " and ".join(f"--{name}" for name in chosen)
        raise SettingInvalid(f"{named} contradict each other.", "Keep one of them.")
    return Visibility(chosen[0]) if chosen else None

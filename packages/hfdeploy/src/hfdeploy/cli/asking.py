"""What `plan` and `deploy` can be asked for: the same options, read the same way."""

import os
from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from hfdeploy.cli.relaying import relaying_options, take_relay
from hfdeploy.cli.secrets import check_outside, read_secrets
from hfdeploy_core import RepoType, Sdk, Visibility
from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.model import Gated

Command = Callable[..., Any]

_VISIBILITIES = [visibility.value for visibility in Visibility]
# How callers get to a private app: through a relay, or however the account's plan has it.
RELAY, AUTO = "relay", "auto"
_TYPE = click.option(
    "--type",
    "repo_type",
    type=click.Choice([kind.value for kind in RepoType]),
    default=RepoType.SPACE.value,
    show_default=True,
    help="What kind of repo.",
)
_PLACES = (click.argument("source", metavar="SOURCE"), click.argument("repo", metavar="REPO"))
_ASKED = (
    _TYPE,
    click.option(
        "--sdk",
        type=click.Choice([sdk.value for sdk in Sdk]),
        help="What runs the Space; else what README.md says.",
    ),
    click.option("--private", is_flag=True, help="Only you and your organization see it."),
    click.option("--public", is_flag=True, help="Everybody sees it."),
    click.option("--protected", is_flag=True, help="Everybody uses the app, only you see the source."),
    click.option(
        "--exposure",
        type=click.Choice([*_VISIBILITIES, RELAY, AUTO]),
        help="Who uses the app, and how; auto: protected if your plan has it, else a relay.",
    ),
    click.option("--message", "-m", help="The commit's message."),
    click.option("--mirror", is_flag=True, help="Delete remote files that SOURCE lacks."),
    click.option(
        "--max-delete",
        metavar="N|P%",
        help="How many remote files --mirror may delete; 100 or 50%, whichever is more, by default.",
    ),
    click.option("--keep", multiple=True, metavar="GLOB", help="Remote files that --mirror never deletes."),
    click.option(
        "--include",
        multiple=True,
        metavar="GLOB",
        help="Deploy this even if .gitignore or .hfignore names it.",
    ),
    click.option("--rev", metavar="REV", help="Deploy what git holds of SOURCE at a commit, branch or tag."),
    click.option("--card", metavar="FILE", help="YAML that is laid over the front matter of README.md."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Do not deploy this."),
    click.option(
        "--allow-secrets",
        multiple=True,
        metavar="GLOB",
        help="Deploy files that look as if they held secrets.",
    ),
    click.option(
        "--allow-partial", is_flag=True, help="Make several commits where the Hub does not take all in one."
    ),
    click.option(
        "--gated", type=click.Choice([gated.value for gated in Gated]), help="Whether readers must ask first."
    ),
    click.option("--hardware", metavar="NAME", help="What the Space runs on."),
    click.option(
        "--sleep-time",
        "sleep_seconds",
        type=int,
        metavar="SECONDS",
        help="When an idle Space sleeps; -1: never.",
    ),
    click.option(
        "--volume",
        "volumes",
        multiple=True,
        metavar="VOLUME",
        help="Mount hf://[TYPE/]SOURCE:/PATH[:ro]; these are all that is mounted then.",
    ),
    click.option(
        "--variable",
        "variables",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a variable of the Space, for everybody to see.",
    ),
    click.option(
        "--secret",
        "secrets",
        multiple=True,
        metavar="NAME",
        help="Set a secret of the Space, from the environment variable NAME.",
    ),
    click.option(
        "--remove-variable",
        "remove_variables",
        multiple=True,
        metavar="NAME",
        help="Take a variable from the Space.",
    ),
    click.option(
        "--remove-secret",
        "remove_secrets",
        multiple=True,
        metavar="NAME",
        help="Take a secret from the Space.",
    ),
)
_SECRETS_FILE = click.option("--secrets-file", metavar="FILE", help="Set secrets from NAME=VALUE lines.")
_STATE = click.option(
    "--state", metavar="DIR", help="Where hashes and the journal are kept; .hfdeploy in SOURCE by default."
)
_DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
_TOLD = (
    _STATE,
    click.option("--json", "as_json", is_flag=True, help="Print events as JSON, one a line."),
    _DEBUG,
)


def asked_options(command: Command) -> Command:
    """Source, repo, and all that can be asked for it."""
    return _decorate(setting_options(command), _PLACES)


def setting_options(command: Command) -> Command:
    """All that can be asked for a repo."""
    return _decorate(relaying_options(command), (*_ASKED, _SECRETS_FILE))


def type_option(command: Command) -> Command:
    """What kind of repo is meant."""
    return _TYPE(command)


def report_option(command: Command) -> Command:
    """Where a report of the run is written."""
    return click.option(
        "--report", metavar="FILE", callback=_check_report, help="Write a report of the run, .html or .json."
    )(command)


def secrets_file_option(command: Command) -> Command:
    """Where values of secrets are that the environment lacks."""
    return _SECRETS_FILE(command)


def state_option(command: Command) -> Command:
    """Where hashes and the journal are."""
    return _STATE(command)


def debug_option(command: Command) -> Command:
    """Whether a failure's traceback is wanted."""
    return _DEBUG(command)


def told_options(command: Command) -> Command:
    """How a verb that works on a source tells what it does."""
    return _decorate(command, _TOLD)


def read_asked(asked: dict[str, Any]) -> dict[str, Any]:
    """The options as `hfdeploy_core` takes them. Raises SettingInvalid."""
    visibility = _choose_visibility(asked)
    relay = take_relay(asked, os.environ)
    file = asked["secrets_file"]
    if file is not None:
        check_outside(file, asked["source"])
    return {
        **{name: value for name, value in asked.items() if name != "secrets_file"},
        "relay": relay,
        "visibility": visibility,
        "volumes": asked["volumes"] or None,
        "variables": _read_variables(asked["variables"]),
        "secrets": read_secrets(asked["secrets"], file, os.environ),
    }


def _check_report(context: click.Context, option: click.Parameter, file: str | None) -> str | None:
    if file is not None and not file.endswith((".html", ".json")):
        raise click.BadParameter("name a file that ends with .html or .json", context, option)
    return file


def _read_variables(pairs: tuple[str, ...]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingInvalid(f"--variable {name} has no value.", "Write --variable NAME=VALUE.")
        if name in variables:
            raise SettingInvalid(f"--variable {name} is given twice.", "Keep one of them.")
        variables[name] = value
    return variables


def _decorate(command: Command, decorators: tuple[Callable[[Command], Command], ...]) -> Command:
    return reduce(lambda decorated, decorator: decorator(decorated), reversed(decorators), command)


def _choose_visibility(asked: dict[str, Any]) -> Visibility | None:
    """Who sees the repo, by whichever option; where that takes a relay, one is asked for."""
    exposure = asked.pop("exposure")
    chosen = [f"--{name}" for name in _VISIBILITIES if asked.pop(name)]
    if exposure is not None:
        chosen.append(f"--exposure {exposure}")
    if asked["is_relayed"] and exposure in _VISIBILITIES:
        chosen.append("--proxy")
    if len(chosen) > 1:
        raise SettingInvalid(f"{' and '.join(chosen)} contradict each other.", "Keep one of them.")
    asked["is_spare"] = exposure == AUTO
    asked["is_relayed"] |= exposure in (RELAY, AUTO)
    if exposure == RELAY:
        return Visibility.PRIVATE
    name = chosen[0].removeprefix("--").removeprefix("exposure ") if chosen else ""
    return Visibility(name) if name in _VISIBILITIES else None

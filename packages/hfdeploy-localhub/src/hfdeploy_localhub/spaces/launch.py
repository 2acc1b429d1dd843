"""How an app is started: command, folder and the whole environment. Pure but for `Root.place`'s look."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hfdeploy_localhub.spaces.card import Card
from hfdeploy_localhub.spaces.image import SEARCH_PATH, Image
from hfdeploy_localhub.spaces.ports import point_arguments, point_environment
from hfdeploy_localhub.spaces.rootfs import Root
from hfdeploy_localhub.spaces.source import SpaceSettings

APP_FOLDER = "/home/user/app"  # where the Hub puts the repository of a Gradio or Streamlit Space
_HOME = "/home/user"
_KEPT = ("LANG", "LC_ALL", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Launch:
    """A command to start. The environment holds secrets: it is left out of the repr."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """Who the Space is and where: `host` is the gateway's host and port, `port` the app's own."""

    space: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A built Space: its folder, its venv, and, for a Docker Space, its Dockerfile."""

    card: Card
    root: Root
    venv: Path
    image: Image | None = None


def plan_launch(
    bundle: Bundle, address: Address, settings: SpaceSettings, machine: Mapping[str, str]
) -> Launch:
    """The command of a Docker, Gradio or Streamlit Space. `machine` gives PATH, LANG and the like, nothing
    else.
    """
    card, root, image = bundle.card, bundle.root, bundle.image
    if image:
        arguments = root.place_all(point_arguments(image.command, card.app_port, address.port))
        given, folder = root.place_environment(image.environment), root.path(image.folder)
    else:
        arguments, given, folder = (
            _sdk_command(card, address.port),
            _sdk_environment(card),
            root.path(APP_FOLDER),
        )
    named = point_environment(given | dict(settings.variables), card.app_port, address.port)
    environment = (
        {name: machine[name] for name in _KEPT if name in machine}
        | {"HOME": str(root.path(_HOME))}
        | named
        | dict(settings.secrets)
        | point_environment({}, card.app_port, address.port)
        | _hub_environment(card, address)
        | {
            "PATH": _search_path(bundle, named.get("PATH", SEARCH_PATH), machine),
            "VIRTUAL_ENV": str(bundle.venv),
        }
    )
    return Launch(arguments, folder, environment)


def _sdk_command(card: Card, port: int) -> tuple[str, ...]:
    if card.sdk == "gradio":
        return ("python", card.app_file)
    served = ("--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true")
    return ("streamlit", "run", card.app_file, *served, "--browser.gatherUsageStats", "false")


def _sdk_environment(card: Card) -> dict[str, str]:
    if card.sdk == "gradio":
        return {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_ANALYTICS_ENABLED": "False"}
    return {"STREAMLIT_SERVER_HEADLESS": "true"}


def _hub_environment(card: Card, address: Address) -> dict[str, str]:
    """What the Hub's documentation promises to every Space."""
    author, _, name = address.space.partition("/")
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": address.space,
        "SPACE_HOST": address.host,
        "SPACE_AUTHOR_NAME": author,
        "SPACE_REPO_NAME": name,
        "SPACE_TITLE": card.title,
        "PYTHONUNBUFFERED": "1",
    }


def _search_path(bundle: Bundle, path: str, machine: Mapping[str, str]) -> str:
    """The venv first, whatever the Dockerfile puts before; the hub's own venv not at all."""
    hidden = os.path.join(machine.get("VIRTUAL_ENV", "\0"), "bin")  # noqa: PTH118  (a text, not a path to touch)
    kept = [part for part in machine.get("PATH", os.defpath).split(os.pathsep) if part and part != hidden]
    return os.pathsep.join([str(bundle.venv / "bin"), path.replace(SEARCH_PATH, os.pathsep.join(kept))])

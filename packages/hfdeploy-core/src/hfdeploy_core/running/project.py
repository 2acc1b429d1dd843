"""A project: a manifest that makes sense, and where it stands."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, cast

from hfdeploy_core.deploying.previews import turn_aside
from hfdeploy_core.errors import ManifestMissing, PluginInvalid, SettingInvalid
from hfdeploy_core.events import OnEvent, Validated
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.building import build_manifest, list_profiles
from hfdeploy_core.manifest.model import Asked, Declared, Manifest
from hfdeploy_core.manifest.node import Node, Position
from hfdeploy_core.manifest.reading import read_yaml
from hfdeploy_core.manifest.reading_toml import read_toml
from hfdeploy_core.manifest.references import Kind, Reference
from hfdeploy_core.options import Options, Relay
from hfdeploy_core.planning.previews import check_id
from hfdeploy_core.running.finding import FILE, PYPROJECT
from hfdeploy_core.running.registry import check_allowed, find_connector, find_step
from hfdeploy_core.running.stepping import read_asked
from hfdeploy_core.running.values import read_environment

MakeRelay = Callable[..., Relay]
TellExpiry = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Project:
    """A manifest that makes sense, and where it stands. `environment` is what `${env:NAME}` means.

    With the id of a `preview`, it is about the previews of those of its targets that may have some. `prefix`
    tells what runs of it write down from what those of other manifests in the same folder do.
    """

    folder: Path
    manifest: Manifest
    environment: Mapping[str, str] = field(repr=False)
    profile: str | None = None
    make_relay: MakeRelay | None = None
    preview: str | None = None
    tell_expiry: TellExpiry | None = None
    prefix: str = ""

    def place_options(self, asked: Asked) -> Mapping[str, Any]:
        """The options of a target, files named as this process sees them."""
        card = asked.options.get("card")
        return {**asked.options, "card": str(self.folder / card)} if isinstance(card, str) else asked.options

    def ask(self, declared: Declared, values: Mapping[Reference, str], hub: Hub) -> Asked:
        """What is asked for of a target, with these values: of its preview where that is meant."""
        asked = declared.fill(values)
        if self.preview is None or declared.previews is None:
            return asked
        given = cast("Options", asked.options)
        repo, options = turn_aside(hub, asked.target.repo, self.preview, declared.previews["most"], given)
        if self.tell_expiry is not None:
            options["tags"] = (self.tell_expiry(declared.previews["ttl"]),)
        return replace(asked, repo=repo.id, options=options)

    def build_relay(self, asked: Asked) -> Relay | None:
        """The relay that is asked for in front of a target. Raises SettingInvalid where nothing makes one."""
        if asked.relay is None:
            return None
        if self.make_relay is None:
            raise SettingInvalid("Nothing here makes a relay.", "Use the command `hfdeploy`.")
        return self.make_relay(self.environment, **asked.relay)


def load_project(
    file: str | PathLike[str] = FILE,
    *,
    profile: str | None = None,
    environment: Mapping[str, str] | None = None,
    make_relay: MakeRelay | None = None,
    preview: str | None = None,
    tell_expiry: TellExpiry | None = None,
) -> Project:
    """Read a manifest, with one of its profiles if one is named. Raises a ManifestError.

    `make_relay` makes relays from the environment and what the manifest says of them, `tell_expiry` tags for
    a janitor from how long a preview may live.
    """
    if preview is not None:
        check_id(preview)
    path = Path(file)
    manifest = build_manifest(_read(path, str(file)), profile)
    _check_plugins(manifest)
    folder = path.absolute().parent
    given = os.environ if environment is None else environment
    found = read_environment(manifest.env_files, folder, given, manifest.shown_variables)
    prefix = "" if path.name in (FILE, PYPROJECT) else f"{path.stem}."
    return Project(folder, manifest, found, profile, make_relay, preview, tell_expiry, prefix)


def validate(file: str | PathLike[str] = FILE, *, on_event: OnEvent = lambda event: None) -> None:
    """Look at a manifest as it is and with each profile, and at nothing else. Raises a ManifestError."""
    root = _read(Path(file), str(file))
    manifest = build_manifest(root)
    _check_plugins(manifest)
    profiles = list_profiles(root)
    for profile in profiles:
        _check_plugins(build_manifest(root, profile))
    names = tuple(name for target in manifest.targets.values() for name in target.names)
    on_event(Validated(str(file), names, tuple(profiles)))


def list_targets(file: str | PathLike[str] = FILE) -> frozenset[str]:
    """The names of a manifest's targets, whatever else is wrong with it; none where there is no manifest."""
    path = Path(file)
    if not path.exists():
        return frozenset()
    targets = _read(path, str(file)).children.get("targets")
    return frozenset(targets.children) if targets is not None else frozenset()


def _read(path: Path, name: str) -> Node:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestMissing(f"There is no {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ManifestMissing(f"The manifest {path} cannot be read: {reason}.") from None
    return read_toml(text, name) if path.suffix == ".toml" else read_yaml(text, name)


def _check_plugins(manifest: Manifest) -> None:
    """Raise PluginInvalid for a step or connector that is not allowed, missing or asked for wrongly."""
    for reference, at in manifest.places.items():
        if reference.kind is Kind.PLUGIN:
            with _placed(at):
                check_allowed(reference.fact, manifest.allow_plugins)
                find_connector(reference.fact)
    for step in manifest.list_steps():
        with _placed(step.at):
            check_allowed(step.kind, manifest.allow_plugins)
            kind = find_step(step.kind)
            # What has references in it is looked at when they are filled.
            if "." in step.kind and not step.references:
                read_asked(kind, step, step.fields)


@contextmanager
def _placed(at: Position) -> Iterator[None]:
    try:
        yield
    except PluginInvalid as error:
        raise PluginInvalid(f"{at}: {error.message}", error.remedy) from None

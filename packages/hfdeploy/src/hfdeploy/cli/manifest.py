"""What verbs over a manifest share: which form of the command is meant, and the options of this one."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hfdeploy.cli.expiring import tell_expiry
from hfdeploy.cli.relaying import make_relay
from hfdeploy.render.port import Renderer
from hfdeploy_core import Relay
from hfdeploy_core.errors import ManifestInvalid, SettingInvalid
from hfdeploy_core.running.finding import FILE, PYPROJECT, find_manifest

if TYPE_CHECKING:
    from hfdeploy_core.project import Project, ProjectPlan

Command = Callable[..., Any]

_ALWAYS = frozenset({"words", "as_json", "debug"})
OF_TARGETS = frozenset({"manifest", "profile", "preview"})
manifest_option = click.option(
    "--manifest", metavar="FILE", help=f"The manifest; else {FILE}, or {PYPROJECT} here."
)
_OPTIONS = (manifest_option, click.option("--profile", metavar="NAME", help="Which of its profiles."))
preview_option = click.option(
    "--preview", metavar="ID", help="The previews of that id, of targets that have `previews`."
)


def find_file(manifest: str | None = None) -> str:
    """The manifest that is meant: the one that is named, or the one that is here."""
    return manifest if manifest is not None else str(find_manifest() or FILE)


def manifest_options(command: Command) -> Command:
    """Which manifest, and with which profile."""
    return reduce(lambda decorated, decorator: decorator(decorated), reversed(_OPTIONS), command)


def means_targets(words: Sequence[str], *named: str | None) -> bool:
    """Whether `plan WORDS` is about a manifest, not `SOURCE REPO`.

    Two words are SOURCE REPO, unless the first one is a target here and the second one has no slash. `named`
    are the manifest, the profile and the preview: whoever names one speaks of targets.
    """
    if any(named) or len(words) != 2:
        return True
    return "/" not in words[1] and words[0] in _list_targets()


def means_plan(words: Sequence[str], *named: str | None) -> bool:
    """Whether `apply WORD` is about a saved plan: a file that is no target here."""
    if any(named) or len(words) != 1:
        return False
    (word,) = words
    # A target that is misspelt is told as one.
    may_be_target = re.fullmatch(r"[\w-]+", word) and find_manifest() and not Path(word).exists()
    return word not in _list_targets() and not may_be_target


def means_repo(words: Sequence[str], *named: str | None) -> bool:
    """Whether `status WORD` or `destroy WORD` is about one repo: with a slash, or where there is no manifest.

    A target that is misspelt must not be the name of a repo that is deleted.
    """
    if any(named) or len(words) != 1:
        return False
    return "/" in words[0] or find_manifest() is None


def load_manifest(manifest: str | None, profile: str | None, preview: str | None = None) -> "Project":
    """The manifest that is meant."""
    # Imported here: pydantic takes longer than the deploy of one repo that changes nothing.
    from hfdeploy_core import project

    return project.load_project(
        find_file(manifest),
        profile=profile,
        make_relay=make_declared_relay,
        preview=preview,
        tell_expiry=lambda ttl: tell_expiry(ttl, datetime.now(UTC)),
    )


def make_declared_relay(environment: Mapping[str, str], *, strict: bool, **asked: str | None) -> Relay:
    """What a manifest says of a relay, as the options of `deploy --proxy` have it."""
    return make_relay(
        environment, is_strict=strict, **{f"proxy_{name}": value for name, value in asked.items()}
    )


def plan_manifest(renderer: Renderer, names: Sequence[str], loaded: "Project") -> "ProjectPlan":
    """Plan these targets of a manifest, and show what would be changed."""
    from hfdeploy_core import project

    made = project.plan_project(loaded, names, on_event=renderer.show)
    for target in made.targets.values():
        if target.has_changes and not target.left_out:
            renderer.show_plan(target.plan, target.name)
    return made


def save_manifest_plan(made: "ProjectPlan", manifest: str | None, file: str) -> None:
    """Save what was planned, for `hfdeploy apply FILE`."""
    from hfdeploy_core import project

    project.save_project_plan(made, find_file(manifest), file)


def recall_manifest_plan(renderer: Renderer, file: str) -> "ProjectPlan":
    """The plan that was saved, if the same would be planned now."""
    from hfdeploy_core import project

    saved = project.load_project_plan(file)
    loaded = load_manifest(saved.manifest, saved.profile, saved.preview)
    return project.recall_project_plan(saved, loaded, on_event=renderer.show)


def apply_manifest(renderer: Renderer, made: "ProjectPlan") -> None:
    """Carry out what was planned."""
    from hfdeploy_core import project

    project.apply_project(made, on_event=renderer.show)


def refuse_others(context: click.Context, mine: Container[str], *, of: str) -> None:
    """Raise SettingInvalid for an option that was given and is not among these."""
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in _ALWAYS or name in mine:
            continue
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise SettingInvalid(f"{parameter.opts[0]} is not for {of}.", "Leave it out.")


def _list_targets() -> frozenset[str]:
    from hfdeploy_core.project import list_targets

    with suppress(ManifestInvalid):
        return list_targets(find_file())
    return frozenset()

"""Writes a first manifest by looking at a folder and, if asked, at repos."""

import re
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

from hfdeploy_core.deployment import enter
from hfdeploy_core.errors import CardInvalid, RepoNotFound, SettingInvalid, SourceEmpty
from hfdeploy_core.events import OnEvent, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.building import build_manifest
from hfdeploy_core.manifest.drafting import Draft, decide_sdk, decide_type, draft_existing, write_manifest
from hfdeploy_core.manifest.reading import read_yaml
from hfdeploy_core.model import RepoInfo, RepoRef, RepoType
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.running.finding import FILE, find_manifest
from hfdeploy_core.running.project import validate
from hfdeploy_core.source.card import read_card
from hfdeploy_core.source.ignore import is_deployed

_MOST_FILES = 10_000
_MOST_CHARACTERS = 100_000
_PREFIXES = {f"{kind}s": kind for kind in RepoType}


def init_project(
    folder: str | PathLike[str] = ".",
    repos: Iterable[str] = (),
    *,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> Path:
    """Write hfdeploy.yaml into a folder: a target for each folder in it that looks like one, and each repo.

    A repo is `[models/|datasets/|spaces/]NAMESPACE/NAME`; its settings are written down as they are. Raises
    SettingInvalid where there is a manifest already, SourceEmpty where there is nothing to write down.
    """
    root = Path(folder)
    file = root / FILE
    if (found := find_manifest(root)) is not None:
        raise SettingInvalid(f"There is a manifest already: {found}.", "Edit it, or move it away.")
    drafts = {draft.source: draft for draft in _draft_folders(root)}
    if asked := list(repos):
        with enter(hub, on_event) as connected:
            for words in asked:
                info = _find_repo(connected, words)
                drafts[f"./{info.repo.name}"] = _draft_repo(connected, info)
    if not drafts:
        raise SourceEmpty(
            f"Nothing in {root.resolve()} looks like an app, a model or a dataset.", "Name a repo."
        )
    text = write_manifest(drafts.values())
    build_manifest(read_yaml(text, str(file)))
    file.write_text(text, encoding="utf-8")
    for draft in drafts.values():
        if not (root / draft.source).exists():
            on_event(Warned(f"{draft.source} is not there yet: the files of {draft.repo} belong into it."))
    validate(file, on_event=on_event)
    return file


def _draft_folders(root: Path) -> Iterator[Draft]:
    """A target for every folder that looks like one, or for all of it."""
    found = []
    for place in sorted(path for path in root.iterdir() if path.is_dir() and is_deployed(path.name)):
        if not place.name.startswith("."):
            found.append(_look(place, place.rglob("*"), place.name, f"./{place.name}"))
    whole = _look(root, root.glob("*"), root.resolve().name, ".")
    yield from filter(None, found if whole is None else [whole])


def _look(folder: Path, paths: Iterator[Path], called: str, source: str) -> Draft | None:
    files = [path for _, path in zip(range(_MOST_FILES), paths, strict=False) if path.is_file()]
    names = {path.name for path in files if path.parent == folder}
    words: frozenset[str] = frozenset()
    if "README.md" in names:
        try:
            text = read_card(folder / "README.md").text
        except CardInvalid:
            text = ""
        front = text.partition("---")[2].partition("\n---")[0]
        words = frozenset(re.findall(r"^(\w+):", front, re.MULTILINE))
    kind = decide_type(names, {path.suffix for path in files}, words)
    if kind is None:
        return None
    code = _read_start(folder / "app.py") if kind is RepoType.SPACE and "app.py" in names else ""
    sdk = decide_sdk(names, code, words) if kind is RepoType.SPACE else None
    name = _clean(called)
    return Draft(name, kind, name, source, {} if sdk is None else {"sdk": sdk})


def _read_start(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(_MOST_CHARACTERS)


def _clean(name: str) -> str:
    """A folder's name as that of a target."""
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    return cleaned if re.match("[A-Za-z]", cleaned) else f"target-{cleaned}"


def _find_repo(hub: Hub, words: str) -> RepoInfo:
    prefix, slash, rest = words.partition("/")
    kinds = [_PREFIXES[prefix]] if slash and prefix in _PREFIXES else list(RepoType)
    namespace, name = parse_repo_id(rest if slash and prefix in _PREFIXES else words)
    owner = namespace or hub.whoami().name
    found = [info for kind in kinds if (info := hub.find_repo(RepoRef(kind, owner, name))) is not None]
    if not found:
        raise RepoNotFound(f"There is no {words} that this token can see.")
    if len(found) > 1:
        told = " and ".join(f"{info.repo.type}s/{info.repo.id}" for info in found)
        raise SettingInvalid(f"{words} is {told}.", "Name the one that is meant.")
    return found[0]


def _draft_repo(hub: Hub, info: RepoInfo) -> Draft:
    is_space = info.repo.type is RepoType.SPACE
    variables = hub.list_variables(info.repo) if is_space else ()
    secrets = hub.list_secrets(info.repo) if is_space else ()
    draft = draft_existing(info, f"./{info.repo.name}", variables, secrets)
    return Draft(_clean(draft.name), draft.type, draft.repo, draft.source, draft.settings)

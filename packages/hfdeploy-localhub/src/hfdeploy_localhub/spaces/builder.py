"""Building a Space: the tree written out, its Dockerfile carried out as far as it goes, its venv provided."""

import asyncio
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from hfdeploy_localhub.spaces.card import Card, read_card
from hfdeploy_localhub.spaces.image import Copy, Image, MakeFolder, plan_image
from hfdeploy_localhub.spaces.installs import Install, Skipped, digest, is_local_text, read_requirements
from hfdeploy_localhub.spaces.launch import APP_FOLDER, Bundle
from hfdeploy_localhub.spaces.rootfs import Root, apply_copy
from hfdeploy_localhub.spaces.source import SpaceSource
from hfdeploy_localhub.spaces.stages import BuildError, ConfigError, NoAppFile
from hfdeploy_localhub.spaces.venvs import Requirements, VenvCache

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """A static Space: a folder and the page at `/`."""

    folder: Path
    index: str


async def build(
    source: SpaceSource,
    space: str,
    commit: str,
    folder: Path,
    venvs: VenvCache,
    say: Say,
    *,
    fresh: bool = False,
) -> tuple[Card, Bundle | Site]:
    """Build `commit` of a Space in the new `folder`. Raises SpaceError with the stage it ends in.

    What happens is told to `say`, line by line, for the build log.
    """
    context, root = folder / "context", folder / "root"
    await _in_thread(_export, source, space, commit, context)
    card = await asyncio.to_thread(_read_card, context)
    say(f"sdk: {card.sdk}, commit {commit[:7]}")
    if not _is_file_inside(context, card.app_file):
        raise NoAppFile(f"{card.app_file} is not in the repository.")
    if card.sdk == "static":
        if card.build_command:
            say(f"Not carried out: app_build_command {card.build_command}")
        return card, Site(context, card.app_file)
    if card.sdk == "docker":
        return card, await _build_image(source, space, commit, card, context, Root(root), venvs, say, fresh)
    return card, await _build_app(card, context, Root(root), commit, venvs, say, fresh)


def _export(source: SpaceSource, space: str, commit: str, context: Path) -> None:
    context.mkdir(parents=True)
    source.export(space, commit, context)


def _read_card(context: Path) -> Card:
    readme = context / "README.md"
    try:
        return read_card(
            readme.read_text(encoding="utf-8") if _is_file_inside(context, "README.md") else None
        )
    except UnicodeDecodeError:
        raise ConfigError("README.md is not UTF-8 text.") from None


def _is_file_inside(context: Path, name: str) -> bool:
    path = (context / name).resolve()
    return path.is_file() and path.is_relative_to(context.resolve())


async def _build_app(
    card: Card, context: Path, root: Root, commit: str, venvs: VenvCache, say: Say, fresh: bool
) -> Bundle:
    """Gradio and Streamlit: the repository is the app's folder, the SDK goes into its venv."""
    app = root.path(APP_FOLDER)
    await _in_thread(_move, context, app)
    if _is_file_inside(app, "packages.txt"):
        say("Not carried out: the Debian packages of packages.txt")
    _tell_python(card.python_version, say)
    pin = f"=={card.sdk_version}" if card.sdk_version else ""
    names = [name for name in ("pre-requirements.txt", "requirements.txt") if _is_file_inside(app, name)]
    installs = [Install((), (name,), APP_FOLDER) for name in names[:-1]]
    installs.append(Install((card.sdk + pin,), tuple(names[-1:]), APP_FOLDER))
    wanted = await asyncio.to_thread(_requirements, installs, root, app, commit)
    return Bundle(card, root, await venvs.provide(wanted, say, fresh=fresh))


async def _build_image(
    source: SpaceSource,
    space: str,
    commit: str,
    card: Card,
    context: Path,
    root: Root,
    venvs: VenvCache,
    say: Say,
    fresh: bool,
) -> Bundle:
    """Docker: the steps of its Dockerfile in a folder of its own."""
    try:
        text = (context / card.app_file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BuildError("Dockerfile is not UTF-8 text.") from None
    image = plan_image(text, source.settings(space).variables)
    root = Root(root.folder, image.folders)
    _tell_base(image, say)
    lines = await _in_thread(_carry_out, image, context, root)
    for line in lines:
        say(line)
    installs = [step for step in image.steps if isinstance(step, Install)]
    wanted = await asyncio.to_thread(_requirements, installs, root, context, commit)
    return Bundle(card, root, await venvs.provide(wanted, say, fresh=fresh), image)


def _move(context: Path, app: Path) -> None:
    app.parent.mkdir(parents=True)
    context.rename(app)


def _tell_base(image: Image, say: Say) -> None:
    name, _, tag = image.base.partition(":")
    if name.rpartition("/")[2] == "python":
        _tell_python(tag, say)
    else:
        say(f"FROM {image.base}: its files are not there, programs are this machine's.")


def _tell_python(asked: str | None, say: Say) -> None:
    ours = platform.python_version()
    if asked and not ours.startswith(asked.split("-")[0]):
        say(f"Python {asked} was asked for, the app runs with this machine's {ours}.")


def _carry_out(image: Image, context: Path, root: Root) -> list[str]:
    """Folders and copies; returns the lines that tell what was not carried out."""
    told = []
    root.path("/home/user").mkdir(parents=True)
    for step in image.steps:
        if isinstance(step, MakeFolder):
            root.path(step.path).mkdir(parents=True, exist_ok=True)
        elif isinstance(step, Copy):
            told += [f"Not carried out: COPY --from {name}" for name in apply_copy(step, context, root)]
        elif isinstance(step, Skipped):
            told.append(f"Not carried out: {step.text}")
    return told


def _requirements(installs: Sequence[Install], root: Root, context: Path, commit: str) -> Requirements:
    """Find the files the installs name, and read all that their result depends on."""
    steps, texts, folders = [], [], []
    for install in installs:
        files = [_find(install, name, root, context) for name in install.files]
        read = [_read(path, context, root) for path in files]
        arguments = root.place_all(install.arguments)
        steps.append((*arguments, *(word for path in files for word in ("-r", str(path)))))
        texts += ["install", *install.arguments, *read]
        if install.is_local or any(is_local_text(text) for text in read):
            texts.append(
                digest((commit, str(root.folder)))
            )  # the repository itself is installed: not for others
        folders.append(root.path(install.folder))
    return Requirements(tuple(steps), tuple(texts), tuple(folders))


def _find(install: Install, name: str, root: Root, context: Path) -> Path:
    """A requirement file: in the image, in what RUN has mounted, or else in the repository."""
    inside = str(PurePosixPath(install.folder) / name)
    candidates = [root.path(inside)]
    for target, origin in install.mounts:
        if inside == target or inside.startswith(target.rstrip("/") + "/"):
            candidates.append(context / origin.strip("/") / inside[len(target) :].strip("/"))
    for candidate in candidates:
        path = candidate.resolve()
        is_ours = any(path.is_relative_to(folder.resolve()) for folder in (root.folder, context))
        if path.is_file() and is_ours:
            return path
    raise BuildError(f"pip install -r {name}: there is no such file (nothing has copied it to {inside}).")


def _read(path: Path, context: Path, root: Root) -> str:
    def beside(folder: Path, name: str) -> Path:
        found = (folder / name).resolve()
        if not any(found.is_relative_to(base.resolve()) for base in (root.folder, context)):
            raise BuildError(f"{path.name} names {name}, which is outside the repository.")
        return found

    try:
        return read_requirements(path, beside)
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from None


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """As `asyncio.to_thread`, but cancelled only once the thread is done: the folder it writes to is removed
    then.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise

"""Which files are deployed: pure rules over paths, given what the ignore files of their folders say."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from hfdeploy_core.errors import PathInvalid
from hfdeploy_core.globs import Globs
from hfdeploy_core.model import Source

# The later one has the last word.
GITIGNORE = ".gitignore"
IGNORE_FILES = (GITIGNORE, ".hfignore")
# Of no use to a reader of the repo, and left out without a word.
_SILENT = {".git", ".hfdeploy", ".hfignore", "__pycache__", ".DS_Store"}
_HARMLESS_ENV = (".example", ".sample", ".template", ".dist")
_KEY_NAMES = {
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"),
    *(".netrc", "_netrc", ".pgpass", ".pypirc", ".git-credentials", ".htpasswd"),
}
_KEY_SUFFIXES = (".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx")
_SECRETS, _KEYS = "files like this hold secrets", "files like this hold keys"
# What is left out for these reasons can be asked for.
_SECRETIVE = {_SECRETS, _KEYS}
_LONGEST_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or folder that is not deployed. `reason` is there where it is worth a sentence of its own."""

    reason: str = ""
    is_ignored: bool = False


_IGNORED = LeftOut(is_ignored=True)


@dataclass(frozen=True, slots=True)
class _Folder:
    """What holds below a folder: that nothing of it is deployed, or only what is included; its patterns."""

    left_out: LeftOut | None = None
    is_ignored: bool = False
    specs: tuple[tuple[int, Globs], ...] = ()


class Rules:
    """Decides about paths of one source.

    `read` gives the text of an ignore file, None where there is none; `above` are the patterns of folders
    that the source lies in, outermost first, each with the source's path below that folder.
    """

    def __init__(
        self, source: Source, read: Callable[[str], str | None], above: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._include, self._exclude = Globs(source.include), Globs(source.exclude)
        self._allowed = Globs(source.allow_secrets)
        self._read = read
        self._above = tuple((prefix, Globs(text.splitlines())) for prefix, text in above)
        # No pattern but those of ignore files: 10,000 paths are decided in a moment then.
        self._is_plain = not (self._include or self._exclude or self._above)
        self._folders: dict[str, _Folder] = {}

    def decide(self, path: str, *, is_folder: bool = False) -> LeftOut | None:
        """Why a path is left out, None where it is deployed; a folder is kept where anything in it may be."""
        parent, _, name = path.rpartition("/")
        folder = self._enter(parent)
        if folder.left_out is not None:
            return folder.left_out
        if (reason := _decide_name(name)) is not None and not (
            reason in _SECRETIVE and self._allowed.match(path)
        ):
            return LeftOut(reason)
        if self._is_plain and not folder.specs and not folder.is_ignored:
            return None
        if self._exclude.match(f"{path}/" if is_folder else path):
            return _IGNORED
        if is_folder:
            is_ignored = folder.is_ignored or self._is_ignored(folder, f"{path}/")
            return _IGNORED if is_ignored and not self._include else None
        if self._include.match(path):
            return None
        return _IGNORED if folder.is_ignored or self._is_ignored(folder, path) else None

    def has_only_included(self, folder: str) -> bool:
        """Whether an ignore file names the folder, so that only what is included is deployed from it."""
        return self._enter(folder).is_ignored

    def _enter(self, path: str) -> _Folder:
        if (known := self._folders.get(path)) is None:
            known = self._folders[path] = self._look(path)
        return known

    def _look(self, path: str) -> _Folder:
        if not path:
            return _Folder(specs=self._read_specs("", ()))
        if (left_out := self.decide(path, is_folder=True)) is not None:
            return _Folder(left_out)
        parent = self._enter(path.rpartition("/")[0])
        if parent.is_ignored or self._is_ignored(parent, f"{path}/"):
            return _Folder(is_ignored=True)
        return _Folder(specs=self._read_specs(f"{path}/", parent.specs))

    def _read_specs(self, prefix: str, specs: tuple[tuple[int, Globs], ...]) -> tuple[tuple[int, Globs], ...]:
        texts = [text for name in IGNORE_FILES if (text := self._read(prefix + name))]
        return ((len(prefix), Globs("\n".join(texts).splitlines())), *specs) if texts else specs

    def _is_ignored(self, folder: _Folder, path: str) -> bool:
        """The patterns of the nearest folder that says anything about the path have the last word."""
        for start, spec in folder.specs:
            if (said := spec.check(path[start:])) is not None:
                return said
        for prefix, spec in reversed(self._above):
            if (said := spec.check(f"{prefix}/{path}")) is not None:
                return said
        return False


def decide_skip(path: str) -> str | None:
    """Why a path is left out by its name: a reason, "" for one not worth telling, None to keep it."""
    return _decide_name(path.rpartition("/")[2])


def _decide_name(name: str) -> str | None:
    if name in _SILENT:
        return ""
    if name in _KEY_NAMES or name.endswith(_KEY_SUFFIXES):
        return _KEYS
    if not name.startswith("."):
        return None
    if name.lower() == ".git":
        return ""
    if name == ".cache":
        # huggingface_hub refuses any path with such a part.
        return "the Hub's client takes no .cache folders"
    if name.startswith(".env") and not name.endswith(_HARMLESS_ENV):
        return _SECRETS
    return None


def is_deployed(path: str) -> bool:
    """Whether neither a file nor a folder that it lies in is left out by its name."""
    return all(decide_skip(name) is None for name in path.split("/"))


def check_path(path: str) -> None:
    """Raise PathInvalid where git or the Hub would refuse the name of a file."""
    if path.isascii() and path.isprintable() and "\\" not in path and len(path) <= _LONGEST_NAME_BYTES:
        return
    try:
        path.encode()
    except UnicodeEncodeError:
        raise PathInvalid(f"The name of the file {path!r} is not valid UTF-8.") from None
    if "\\" in path:
        raise PathInvalid(f"The Hub refuses file names with a backslash: {path!r}.")
    if max(len(part.encode()) for part in path.split("/")) > _LONGEST_NAME_BYTES:
        raise PathInvalid(f"No computer can hold a file name as long as in {path!r}.", "Rename it.")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise PathInvalid(f"The Hub refuses file names with control characters: {path!r}.")


def find_collisions(paths: Collection[str], others: Iterable[str] = ()) -> Iterator[PathInvalid]:
    """A fault where one of the paths differs from another, or from `others`, in no more than case or accents.

    Git tells them apart, but most people's computers do not: there one takes the other's place.
    """
    held: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    folders: set[str] = set()
    for file in paths:
        if (known := held.setdefault(_fold(file), file)) != file:
            groups.setdefault(known, [known]).append(file)
        folder = file
        while (folder := folder.rpartition("/")[0]) and folder not in folders:
            folders.add(folder)
    for file in others:
        if (known := held.get(_fold(file), file)) != file and file not in groups.get(known, ()):
            groups.setdefault(known, [known]).append(file)
    for folder in sorted(folders):
        if (same := held.get(_fold(folder))) is not None:
            groups.setdefault(same, [same]).append(f"{folder}/")
    if groups:
        named = "; ".join(", ".join(sorted(group)) for group in groups.values())
        yield PathInvalid(
            f"These names differ in case only, and one takes the other's place on most computers: {named}.",
            "Rename all but one of them, or leave them out with --exclude.",
        )


def _fold(path: str) -> str:
    if path.isascii():
        return path.lower()
    # Imported here: few names need it.
    from unicodedata import normalize

    return normalize("NFC", path).casefold()

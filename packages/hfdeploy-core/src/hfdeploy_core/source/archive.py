"""An archive as a source: zip, wheel or tar, unpacked into files that are named by us and not by it."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

from hfdeploy_core.errors import DeployError, LinkRefused, PathInvalid, SourceUnreadable
from hfdeploy_core.model import FileEntry, Skipped, Snapshot, Source
from hfdeploy_core.source.digest import FoundFile, hash_file
from hfdeploy_core.source.ignore import IGNORE_FILES, Rules, check_path

OnFault = Callable[[DeployError], None]

_BLOCK_BYTES = 1 << 20
# What no honest archive does: so much, and so much more than it holds itself.
_BOMB_BYTES = 100_000_000
_BOMB_RATIO = 100
_LONGEST_IGNORE_BYTES = 1_000_000
_DAMAGES = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, NotImplementedError),
)


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in an archive. `is_link` and `is_odd` say that it is none."""

    path: str
    open: Callable[[], IO[bytes]]
    is_link: bool = False
    is_odd: bool = False


def is_archive(place: Path) -> bool:
    """Whether this is a file that can be unpacked."""
    try:
        return place.is_file() and (zipfile.is_zipfile(place) or tarfile.is_tarfile(place))
    except _DAMAGES:
        return False


def read_archive(place: Path, source: Source, folder: Path, on_fault: OnFault) -> tuple[Snapshot, Rules]:
    """What is deployed of an archive, its contents in the folder. Raises SourceUnreadable for a bad one."""
    budget = _Budget(max(_BOMB_BYTES, _BOMB_RATIO * place.stat().st_size), place)
    try:
        with _open_members(place, budget.left_bytes) as members:
            return _unpack(list(members), source, folder, budget, on_fault)
    except _DAMAGES as error:
        raise SourceUnreadable(f"{place} cannot be unpacked: {error}.", "Make the archive again.") from error
    except RuntimeError as error:
        # This is all that zipfile says of it.
        raise SourceUnreadable(f"{place} is encrypted.", "Deploy an archive without a password.") from error


def _unpack(
    members: list[_Member], source: Source, folder: Path, budget: "_Budget", on_fault: OnFault
) -> tuple[Snapshot, Rules]:
    named = {path: member for member in members if (path := _clean(member.path, on_fault)) is not None}
    if len(named) < len(members):
        _tell_doubles(members, on_fault)
    ignores = {path: _read_text(member) for path, member in named.items() if _is_ignore_file(path, member)}
    rules = Rules(source, ignores.get)
    entries: list[FileEntry] = []
    skipped: list[Skipped] = []
    ignored: list[str] = []
    # In the archive's own order: to go back in one that is packed as a whole means to unpack it again.
    for number, (path, member) in enumerate(named.items()):
        left_out = rules.decide(path)
        if left_out is not None:
            if left_out.is_ignored:
                ignored.append(path)
            elif left_out.reason:
                skipped.append(Skipped(path, left_out.reason))
        elif member.is_link:
            on_fault(LinkRefused(f"{path} is a link, which an archive may lead anywhere with."))
        elif member.is_odd:
            on_fault(SourceUnreadable(f"{path} is neither a file nor a folder."))
        else:
            file = folder / str(number)
            budget.write(member, file)
            entries.append(replace(hash_file(FoundFile(path, str(file))), location=str(file)))
    entries.sort(key=lambda entry: entry.path)
    return Snapshot(folder, tuple(entries), tuple(skipped), ignored=tuple(sorted(ignored))), rules


@dataclass(slots=True)
class _Budget:
    """How many bytes may still come out of an archive: what it says of their number counts for nothing."""

    left_bytes: int
    place: Path

    def write(self, member: _Member, file: Path) -> None:
        with member.open() as content, file.open("wb") as output:
            while block := content.read(_BLOCK_BYTES):
                self.left_bytes -= len(block)
                if self.left_bytes < 0:
                    raise _describe_bomb(self.place)
                output.write(block)


def _describe_bomb(place: Path) -> SourceUnreadable:
    return SourceUnreadable(
        f"{place} grows to more than {_BOMB_RATIO} times its size when it is unpacked.",
        "If it is no trap, unpack it yourself and deploy the folder.",
    )


def _clean(path: str, on_fault: OnFault) -> str | None:
    """The path of a member as one of a source; None for one that leaves the archive or cannot be."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    cleaned = "/".join(parts)
    try:
        if path.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
            raise PathInvalid(f"The archive wants to write outside of itself: {path!r}.", "Do not trust it.")
        check_path(cleaned)
    except PathInvalid as fault:
        on_fault(fault)
        return None
    return cleaned


def _tell_doubles(members: list[_Member], on_fault: OnFault) -> None:
    seen: set[str] = set()
    for member in members:
        if member.path in seen:
            on_fault(PathInvalid(f"The archive holds {member.path} twice.", "Make the archive again."))
        seen.add(member.path)


def _is_ignore_file(path: str, member: _Member) -> bool:
    return path.rpartition("/")[2] in IGNORE_FILES and not member.is_link and not member.is_odd


def _read_text(member: _Member) -> str:
    with member.open() as content:
        return content.read(_LONGEST_IGNORE_BYTES).decode("utf-8", "replace")


@contextmanager
def _open_members(place: Path, most_bytes: int) -> Iterator[Iterator[_Member]]:
    with ExitStack() as stack:
        if zipfile.is_zipfile(place):
            yield _list_zip(stack.enter_context(zipfile.ZipFile(place)))
        else:
            yield _list_tar(stack.enter_context(tarfile.open(place)), place, most_bytes)


def _list_zip(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if not info.is_dir():
            is_odd = kind not in (0, stat.S_IFREG, stat.S_IFLNK)
            yield _Member(info.filename, partial(archive.open, info), kind == stat.S_IFLNK, is_odd)


def _list_tar(archive: tarfile.TarFile, place: Path, most_bytes: int) -> Iterator[_Member]:
    for info in archive:
        # To list it is to unpack it already.
        most_bytes -= info.size
        if most_bytes < 0:
            raise _describe_bomb(place)
        if not info.isdir():
            is_link = info.issym() or info.islnk()
            yield _Member(info.name, partial(_extract, archive, info), is_link, not info.isreg())


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(info)
    assert content is not None
    return content

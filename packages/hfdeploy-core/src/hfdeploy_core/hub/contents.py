"""How contents reach the Hub: small ones within the commit, large ones before it."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hfdeploy_core.errors import HubFailed, HubRefused, SourceChanged, SourceUnreadable
from hfdeploy_core.hub.caller import Caller
from hfdeploy_core.model import FileEntry, RepoRef

# What the Hub takes in one question, and how many questions are asked at a time.
_FILES_A_QUESTION = 256
_FILES_SHARED_AT_A_TIME = 500
_QUESTIONS_AT_A_TIME = 8
_SAMPLE_BYTES = 512
# Up to this size a file is read once, when the Hub is asked how it wants it.
_SMALL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Mode:
    """What the Hub says of a file that is to come: stored as a large one, or left out.

    `line` is its line of the commit, if it was read already.
    """

    is_large: bool
    is_ignored: bool
    line: bytes | None = None


_REGULAR = Mode(is_large=False, is_ignored=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a commit; `sha256` is there for large ones, whose content the Hub has by now.

    Of any other, `content` has the bytes, or the path of the file that does.
    """

    entry: FileEntry
    content: Path | bytes
    sha256: str | None


def ask_modes(
    caller: Caller, path: str, doing: str, root: Path, entries: Sequence[FileEntry]
) -> dict[str, Mode]:
    """How the Hub wants each file, by path; only the first bytes are read of those that are not small.

    Lines are written while the Hub thinks about other files. Raises SourceChanged.
    """
    gitignore = next((entry for entry in entries if entry.path == ".gitignore"), None)
    extra = {"gitIgnore": gitignore.locate(root).read_text(encoding="utf-8")} if gitignore else {}

    def ask(batch: Sequence[FileEntry]) -> dict[str, Mode]:
        heads = {entry.path: _read_head(root, entry) for entry in batch}
        files = [_describe(entry, heads[entry.path]) for entry in batch]
        answer = caller.ask_json("POST", path, doing, content={"files": files, **extra})
        modes = {file["path"]: _read_mode(file) for file in answer["files"]}
        for entry in batch:
            mode = modes.get(entry.path)
            if mode == _REGULAR and entry.size_bytes <= _SMALL_BYTES:
                line = write_line(Upload(entry, heads[entry.path], None))
                modes[entry.path] = replace(mode, line=line)
        return modes

    modes: dict[str, Mode] = {}
    with ThreadPoolExecutor(_QUESTIONS_AT_A_TIME) as pool:
        starts = range(0, len(entries), _FILES_A_QUESTION)
        for answer in pool.map(ask, [entries[start : start + _FILES_A_QUESTION] for start in starts]):
            modes |= answer
    for entry in entries:
        if entry.path not in modes:
            raise HubFailed(f"Cannot {doing}: the Hub does not say how it wants {entry.path}.")
        if entry.size_bytes == 0:
            # The Hub's storage of large files takes no empty ones.
            modes[entry.path] = replace(modes[entry.path], is_large=False)
    return modes


def recall_files(
    caller: Caller, path: str, doing: str, entries: Sequence[FileEntry], given: Mapping[str, bytes]
) -> Iterator[Upload]:
    """Files of an earlier commit, whose contents lie below `path` where they are not `given`; the Hub copies
    none but large ones.
    """

    def recall(entry: FileEntry) -> Upload:
        if entry.sha256 is not None:
            return Upload(entry, b"", entry.sha256)
        content = given.get(entry.path)
        if content is None:
            content = caller.ask("GET", f"{path}/{quote(entry.path)}", doing).body
        if not _is_content(content, entry):
            raise HubFailed(f"Cannot {doing}: {entry.path} is not what the Hub lists.")
        return Upload(entry, content, None)

    with ThreadPoolExecutor(_QUESTIONS_AT_A_TIME) as pool:
        yield from pool.map(recall, entries)


def share_files(caller: Caller, api: str, revision: str, paths: Sequence[str], target: RepoRef) -> None:
    """Let the `target` have large files of the repo at `api`, which stay where they are."""
    doing = f"share large files with {target}"
    for start in range(0, len(paths), _FILES_SHARED_AT_A_TIME):
        asked = {"paths": paths[start : start + _FILES_SHARED_AT_A_TIME], "expand": False}
        held = caller.ask_json("POST", f"{api}/paths-info/{revision}", doing, content=asked)
        files = [
            {"sha256": item["lfs"]["oid"], "filename": item["path"]}
            | ({"xetHash": item["xetHash"]} if item.get("xetHash") else {})
            for item in held
        ]
        content = {"target": {"type": target.type, "name": target.id}, "files": files}
        answer = caller.ask_json("POST", f"{api}/lfs-files/duplicate", doing, content=content)
        for failure in answer.get("failed", ()):
            raise HubRefused(f"Cannot {doing}: {failure.get('error', 'the Hub does not say why')}.")


def write_line(upload: Upload) -> bytes:
    """The line of a commit for one file. Raises SourceChanged where it is not what was planned."""
    path = upload.entry.path
    if upload.sha256 is not None:
        value = {"path": path, "algo": "sha256", "oid": upload.sha256, "size": upload.entry.size_bytes}
        return json.dumps({"key": "lfsFile", "value": value}).encode()
    content = upload.content if isinstance(upload.content, bytes) else _read(upload.content, path)
    if not _is_content(content, upload.entry):
        raise SourceChanged(f"{path} changed while the source was deployed.")
    # By hand: looking for what JSON has to escape costs more than all the rest, and base64 has nothing.
    quoted, encoded = json.dumps(path).encode(), base64.b64encode(content)
    return b'{"key":"file","value":{"path":%b,"encoding":"base64","content":"%b"}}' % (quoted, encoded)


def _read_head(root: Path, entry: FileEntry) -> bytes:
    """All of a small file, and of any other what the Hub wants to see."""
    is_small = entry.size_bytes <= _SMALL_BYTES
    return _read(entry.locate(root), entry.path, _SMALL_BYTES + 1 if is_small else _SAMPLE_BYTES)


def _describe(entry: FileEntry, head: bytes) -> dict[str, Any]:
    sample = base64.b64encode(head[:_SAMPLE_BYTES]).decode()
    return {"path": entry.path, "size": entry.size_bytes, "sample": sample}


def _is_content(content: bytes, entry: FileEntry) -> bool:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return blob.hexdigest() == entry.blob_id


def _read_mode(file: dict[str, Any]) -> Mode:
    return Mode(file["uploadMode"] == "lfs", bool(file.get("shouldIgnore")))


def _read(location: Path, path: str, most: int = -1) -> bytes:
    try:
        with location.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}.") from error

"""A static Space: which file a request target names. Looks at the disk, changes nothing."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from hfdeploy_localhub.spaces.builder import Site

# Not left to the machine's own tables: a Space looks the same everywhere.
_TYPES = mimetypes.MimeTypes()
for _suffix, _type in {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".md": "text/markdown",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".svg": "image/svg+xml",
}.items():
    _TYPES.add_type(_type, _suffix)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file to send."""

    path: Path
    content_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Redirect:
    """A folder was named without its slash."""

    location: bytes


def find_file(site: Site, target: bytes) -> StaticFile | Redirect | None:
    """The file that `target` (as it came, with its query) names; None when there is none inside the Space."""
    raw, question, query = target.partition(b"?")
    try:
        name = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    if "\0" in name or ".." in name.split("/"):
        return None
    folder = site.folder.resolve()
    path = (folder / name.strip("/")).resolve()  # a symbolic link must not lead out either
    if not path.is_relative_to(folder):
        return None
    if path.is_dir():
        if not name.endswith("/"):
            return Redirect(b"/" + raw.strip(b"/") + b"/" + question + query)
        path = (path / (site.index if path == folder else "index.html")).resolve()
    elif name.endswith("/"):
        return None
    return _static_file(path) if path.is_file() and path.is_relative_to(folder) else None


def _static_file(path: Path) -> StaticFile:
    kind, encoding = _TYPES.guess_type(path.name)
    if encoding:  # a .gz is a file to download, not a page that happens to be compressed
        kind = None
    kind = kind or "application/octet-stream"
    is_text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
    return StaticFile(path, f"{kind}; charset=utf-8" if is_text else kind, path.stat().st_size)

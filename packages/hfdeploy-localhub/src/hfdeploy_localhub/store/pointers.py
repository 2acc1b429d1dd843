"""The text that stands in git for a large file (git-lfs specification, "The Pointer")."""

import re

from hfdeploy_localhub.model import LargeFile

MAX_POINTER_BYTES = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n?", re.ASCII
)


def format_pointer(file: LargeFile) -> bytes:
    """Three lines, each with its newline: anything else would have another git id."""
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{file.sha256}\nsize {file.size}\n".encode()
    )


def parse_pointer(content: bytes) -> LargeFile | None:
    """The large file that ``content`` points to, or None if it is no pointer."""
    match = _POINTER.fullmatch(content)
    return LargeFile(match[1].decode(), int(match[2])) if match else None

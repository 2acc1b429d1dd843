"""What changes in a file, in words: line by line for text, by size for all else."""

from collections.abc import Iterator

# Longer texts are compared by nobody.
LONGEST_TEXT_BYTES = 1_000_000
_NOWHERE = "/dev/null"


def describe_text(path: str, before: bytes | None, after: bytes | None) -> str | None:
    """A unified diff, None standing for a file that is not there; None where one of the two is no text."""
    # Imported here: no deploy needs it.
    from difflib import unified_diff

    old, new = _read(before), _read(after)
    if old is None or new is None:
        return None
    names = (_NOWHERE if before is None else f"a/{path}", _NOWHERE if after is None else f"b/{path}")
    return "\n".join(_join(unified_diff(old, new, *names)))


def describe_sizes(path: str, before: int | None, after: int | None) -> str:
    """A line for what is binary or large: how many bytes it had, and will have."""
    old, new = ("none" if size is None else f"{size:,} bytes" for size in (before, after))
    return f"{path}: {old} -> {new}"


def _read(content: bytes | None) -> list[str] | None:
    if content is None:
        return []
    if b"\0" in content:
        return None
    try:
        return content.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None


def _join(lines: Iterator[str]) -> Iterator[str]:
    """The lines as git writes them: a missing newline at the end is said."""
    for number, line in enumerate(lines):
        if line.endswith("\n"):
            yield line.removesuffix("\n")
        else:
            yield line
            if number > 1:
                yield "\\ No newline at end of file"

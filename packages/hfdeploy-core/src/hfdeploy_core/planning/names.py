"""What a repo may be called. The rules are the Hub's, as its client checks them too (hub-api 1.1)."""

import re

from hfdeploy_core.errors import RepoNameInvalid

_LONGEST = 96
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?")


def parse_repo_id(text: str) -> tuple[str | None, str]:
    """Split `NAMESPACE/NAME` or a bare `NAME` (namespace None). Raises RepoNameInvalid."""
    parts = text.split("/")
    if len(parts) > 2:
        raise RepoNameInvalid(f"{text!r} is not a repo id: it has more than one '/'.")
    for part in parts:
        if not _PART.fullmatch(part) or "--" in part or ".." in part or part.endswith(".git"):
            raise RepoNameInvalid(f"{text!r} is not a repo id that the Hub allows.")
    if len(text) > _LONGEST:
        raise RepoNameInvalid(f"The repo id {text[:20]}... is longer than {_LONGEST} characters.")
    return (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])

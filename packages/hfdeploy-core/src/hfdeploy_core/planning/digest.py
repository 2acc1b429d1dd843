"""Digests: of a plan, and of what a source holds."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from hfdeploy_core.model import Change, CommitFiles, FileEntry, Plan


def digest_plan(plan: Plan) -> str:
    """sha256 (hex) over everything that the plan would change: equal plans, and only these, agree."""
    changes = [{"change": type(change).__name__, **_list_fields(change)} for change in plan.changes]
    content = {"repo": f"{plan.repo.type}s/{plan.repo.id}", "base": plan.base, "changes": changes}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_content(entries: Iterable[FileEntry]) -> str:
    """sha256 (hex) over paths and contents, in whatever order they come."""
    return digest_blobs((entry.path, entry.blob_id) for entry in entries)


def digest_blobs(blobs: Iterable[tuple[str, str]]) -> str:
    """`digest_content` over pairs of path and git blob id."""
    lines = sorted(f"{path}\0{blob_id}\n" for path, blob_id in blobs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _list_fields(change: Change) -> dict[str, Any]:
    if not isinstance(change, CommitFiles):
        return asdict(change)
    # By hand: asdict() takes a third of a second for 10,000 files. When a file was written is no part of it.
    puts = [(put.entry.path, put.entry.size_bytes, put.entry.blob_id, put.replaces) for put in change.puts]
    return {
        "puts": puts,
        "deletions": change.deletions,
        "title": change.title,
        "description": change.description,
    }

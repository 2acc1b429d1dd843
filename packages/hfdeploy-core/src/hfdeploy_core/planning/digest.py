"""Digests: of a plan, and of what a source holds."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from hfdeploy_core.model import Change, CommitFiles, FileEntry, Plan


def digest_plan(plan: Plan) -> str:
    """sha256 (hex) over all that the plan says: equal plans, and only these, agree.

    But for where the source lies: `content` says what it holds, wherever that is.
    """
    changes = [{"change": type(change).__name__, **_list_fields(change)} for change in plan.changes]
    content: dict[str, Any] = {
        "repo": f"{plan.repo.type}s/{plan.repo.id}",
        "base": plan.base,
        "changes": changes,
        "unchanged_files": plan.unchanged_files,
        "content": plan.content,
        "is_exact": plan.is_exact,
        "allows_partial": plan.allows_partial,
        "most_deletions": plan.most_deletions,
        "held": None if plan.held is None else asdict(plan.held),
        "restores": plan.restores,
        "origin": None if plan.origin is None else str(plan.origin),
        "card": plan.card,
    }
    if plan.relay is not None:
        content["relay"] = (digest_plan(plan.relay.plan), plan.relay.token_name, plan.relay.is_strict)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_plans(plans: Iterable[Plan]) -> str:
    """sha256 (hex) over all that several plans say, in whatever order they come."""
    return hashlib.sha256("\n".join(sorted(map(digest_plan, plans))).encode()).hexdigest()


def digest_content(entries: Iterable[FileEntry]) -> str:
    """sha256 (hex) over paths and contents, in whatever order they come."""
    return digest_blobs((entry.path, entry.blob_id) for entry in entries)


def digest_blobs(blobs: Iterable[tuple[str, str]]) -> str:
    """`digest_content` over pairs of path and git blob id."""
    lines = sorted(f"{path}\0{blob_id}\n" for path, blob_id in blobs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def name_text(path: str, text: str) -> FileEntry:
    """The entry of a file that holds this text."""
    content = text.encode()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return FileEntry(path, len(content), blob.hexdigest(), None)


def _list_fields(change: Change) -> dict[str, Any]:
    if not isinstance(change, CommitFiles):
        return asdict(change)
    # By hand: asdict() takes a third of a second for 10,000 files. When a file was written is no part of it.
    entries = ((put.entry, put.replaces) for put in change.puts)
    puts = [(entry.path, entry.size_bytes, entry.blob_id, entry.sha256, new) for entry, new in entries]
    return {
        "puts": puts,
        "deletions": change.deletions,
        "title": change.title,
        "description": change.description,
        "sdk": (change.sdk, change.sdk_before),
    }

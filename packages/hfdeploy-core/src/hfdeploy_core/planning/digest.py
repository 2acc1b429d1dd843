"""The digest of a plan, and how a commit carries it so that it can be recognised."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from itertools import takewhile

from hfdeploy_core.model import CommitInfo, Plan

TRAILER = "hfdeploy-digest"


def digest_plan(plan: Plan) -> str:
    """sha256 (hex) over everything that the plan would change: equal plans, and only these, agree."""
    changes = [{"change": type(change).__name__, **asdict(change)} for change in plan.changes]
    for change in changes:
        for put in change.get("puts", ()):
            # When a file was written is not part of what is deployed.
            del put["entry"]["modified_ns"]
    content = {"repo": f"{plan.repo.type}s/{plan.repo.id}", "base": plan.base, "changes": changes}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def describe_commit(description: str, digest: str) -> str:
    """The commit's description with the trailer appended, as git knows trailers."""
    return f"{description}\n\n{TRAILER}: {digest}".lstrip()


def find_landed(commits: Iterable[CommitInfo], parent: str, digest: str) -> str | None:
    """The id of the commit right on top of `parent` if it carries the digest: then it is ours, and made.

    `commits` are newest first, from the head down past `parent`.
    """
    above = list(takewhile(lambda commit: commit.id != parent, commits))
    if above and f"{TRAILER}: {digest}" in above[-1].message.splitlines():
        return above[-1].id
    return None

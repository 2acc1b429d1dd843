"""What a commit says about itself, so that it can be recognised: trailers, as git knows them.

hfdeploy-digest    the plan that made it: tells a commit whose answer was lost
hfdeploy-content   all that the source held: tells an unchanged source from the head commit alone
hfdeploy-exact     there if the repo holds nothing that the source lacks
hfdeploy-promotion the repo and its commit whose files it took over, which the trailers below tell of
hfdeploy-rollback  the earlier commit whose files it put back, which the trailers below tell of
hfdeploy-source    the source's repository, hfdeploy-commit its commit, hfdeploy-run the CI run
"""

import re
from collections.abc import Iterable, Mapping
from itertools import takewhile

from hfdeploy_core.model import CommitInfo, FileEntry, Plan, Provenance, RemoteFile
from hfdeploy_core.planning.digest import digest_blobs, digest_content

DIGEST = "hfdeploy-digest"
CONTENT = "hfdeploy-content"
EXACT = "hfdeploy-exact"
ROLLBACK = "hfdeploy-rollback"
PROMOTION = "hfdeploy-promotion"
SOURCE = "hfdeploy-source"
COMMIT = "hfdeploy-commit"
RUN = "hfdeploy-run"

_TRAILER = re.compile(r"(?P<name>hfdeploy-[a-z]+): (?P<value>\S+)")


def describe_commit(description: str, digest: str, plan: Plan, provenance: Provenance) -> str:
    """The commit's description with the trailers appended."""
    trailers = {
        ROLLBACK: plan.restores if plan.origin is None else None,
        PROMOTION: f"{plan.origin.type}s/{plan.origin.id}@{plan.restores}" if plan.origin else None,
        SOURCE: provenance.source,
        COMMIT: provenance.commit,
        RUN: provenance.run,
        CONTENT: plan.content,
        EXACT: "yes" if plan.is_exact else None,
        DIGEST: digest,
    }
    lines = "\n".join(f"{name}: {value}" for name, value in trailers.items() if value)
    return f"{description}\n\n{lines}".lstrip()


def read_trailers(message: str) -> dict[str, str]:
    """The trailers in the last paragraph of a commit's message."""
    last = message.rstrip().rpartition("\n\n")[2]
    found = (_TRAILER.fullmatch(line.strip()) for line in last.splitlines())
    return {match["name"]: match["value"] for match in found if match}


def find_landed(commits: Iterable[CommitInfo], parent: str, digest: str) -> str | None:
    """The id of the commit right on top of `parent` if it carries the digest: then it is ours, and made.

    `commits` are newest first, from the head down past `parent`.
    """
    above = list(takewhile(lambda commit: commit.id != parent, commits))
    if above and read_trailers(above[-1].message).get(DIGEST) == digest:
        return above[-1].id
    return None


def find_made(commits: Iterable[CommitInfo], digest: str) -> tuple[str, ...]:
    """The ids of the commits that carry the digest of a plan, oldest first; `commits` are newest first."""
    made = [commit.id for commit in commits if read_trailers(commit.message).get(DIGEST) == digest]
    return tuple(reversed(made))


def recall_files(
    commit: CommitInfo, entries: Iterable[FileEntry], earlier: Mapping[str, str]
) -> tuple[RemoteFile, ...] | None:
    """The files that a commit deployed, where its trailers say that they are these; None where they do not.

    They are known without asking if the source is still what it was, or if `earlier`, the blob id of each
    path at the commit that was deployed, is.
    """
    deployed = read_trailers(commit.message).get(CONTENT)
    if deployed is None:
        return None
    held = tuple(entries)
    if deployed == digest_content(held):
        return tuple(RemoteFile(entry.path, entry.size_bytes, entry.blob_id) for entry in held)
    if earlier and deployed == digest_blobs(earlier.items()):
        return tuple(RemoteFile(path, 0, blob_id) for path, blob_id in earlier.items())
    return None


def suffices(commit: CommitInfo, known: Iterable[RemoteFile], paths: Iterable[str], *, mirror: bool) -> bool:
    """Whether a plan for `paths` can be made knowing of the remote only the files that a commit deployed.

    Others may be there: they matter to a mirror, and to a path that is new and may collide with them.
    """
    if is_exact(commit):
        return True
    return not mirror and {file.path for file in known}.issuperset(paths)


def is_exact(commit: CommitInfo) -> bool:
    """Whether the repo holds at that commit nothing but what was deployed."""
    return read_trailers(commit.message).get(EXACT) == "yes"

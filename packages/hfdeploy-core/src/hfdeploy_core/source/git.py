"""What git knows of a work tree: blob ids of unmodified files, so that nobody has to read them.

git itself judges what is modified; it alone knows all about timestamps, racy ones too. What is deployed is
what lies on the disk: whatever makes that differ from the blob (filters such as LFS, line ends, encodings) is
looked for, and such files are read.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hfdeploy_core.model import Provenance
from hfdeploy_core.redact import redact

_PASSED_ON = ("PATH", "HOME", "XDG_CONFIG_HOME", "USERPROFILE", "SYSTEMROOT", "TMPDIR")
# No program of the repository's choosing is started, and its index is not written to.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "--no-optional-locks")
_BLOB_ID = re.compile(r"[0-9a-f]{40}")
_ATTRIBUTES = ("filter", "ident", "working-tree-encoding")
_LINE_ENDS = ("text", "eol", "crlf")
_TIMEOUT_SECONDS = 60


def read_blobs(root: Path) -> dict[str, str]:
    """Path -> blob id of every tracked file whose bytes are those of its blob; empty without git."""
    listing = ask(root, "ls-files", "-v", "-s", "-z")
    if not listing:
        return {}
    modified = ask(root, "diff-files", "--name-only", "--relative", "-z")
    if modified is None:
        return {}
    blobs = _parse_index(listing)
    filtered, ended = _find_attributed(root, blobs)
    for path in {*modified.split("\0"), *filtered}:
        blobs.pop(path, None)
    if ask(root, "config", "core.autocrlf") not in (None, "false\n"):
        ended = set(blobs)
    for path in _find_resized(root, blobs, ended & blobs.keys()):
        del blobs[path]
    return blobs


def find_provenance(root: Path, environment: Mapping[str, str], commit: str | None = None) -> Provenance:
    """Where a folder comes from; its commit, if none is given, only where nothing in it was changed since."""
    run = find_run(environment)
    head = commit or ask(root, "rev-parse", "--verify", "HEAD")
    if head is None:
        return Provenance(run=run)
    is_clean = commit is not None or ask(root, "status", "--porcelain", "--untracked-files=normal", ".") == ""
    url = ask(root, "remote", "get-url", "origin")
    return Provenance(clean_url(url) if url else None, head.strip() if is_clean else None, run)


def find_head(root: Path) -> str | None:
    """The commit that is checked out."""
    head = ask(root, "rev-parse", "--verify", "HEAD")
    return head.strip() if head else None


def find_branch(root: Path) -> str | None:
    """The branch that is checked out; none where a commit is."""
    branch = ask(root, "symbolic-ref", "--short", "HEAD")
    return branch.strip() if branch else None


def read_tree(root: Path, commit: str) -> dict[str, str]:
    """Path -> blob id of all that a commit holds below the folder; empty where git does not know it."""
    if not _BLOB_ID.fullmatch(commit):
        return {}
    listing = ask(root, "ls-tree", "-r", "-z", commit) or ""
    blobs = {}
    for line in listing.split("\0"):
        facts, _, path = line.partition("\t")
        if facts.startswith("100"):
            blobs[path] = facts.split(" ")[2]
    return blobs


def find_run(environment: Mapping[str, str]) -> str | None:
    """The URL of the CI run, on GitHub or GitLab."""
    if environment.get("GITHUB_RUN_ID"):
        names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
        server, repository, run = (environment.get(name, "") for name in names)
        return clean_url(f"{server}/{repository}/actions/runs/{run}")
    return clean_url(environment.get("CI_JOB_URL", ""))


def clean_url(url: str) -> str | None:
    """A URL fit for everybody's eyes, without user and password; None for a path of this machine."""
    url = url.strip()
    if found := re.fullmatch(r"[\w.-]+@([\w.-]+):(?!/)(\S+?)(?:\.git)?", url):
        return f"https://{found[1]}/{found[2]}"
    if not (found := re.fullmatch(r"(?:https?|ssh|git)://(?:[^/@\s]*@)?(\S+?)(?:\.git)?", url)):
        return None
    scheme = "http" if url.startswith("http:") else "https"
    return redact(f"{scheme}://{found[1]}").partition("?")[0]


def _parse_index(listing: str) -> dict[str, str]:
    """The regular files of `ls-files -v -s`, but for those that git was told not to look at."""
    blobs = {}
    for line in listing.split("\0"):
        facts, _, path = line.partition("\t")
        # Tag H: cached. Lower case is assume-unchanged, S skip-worktree. Stage 0: no merge under way.
        if facts.startswith("H 100") and facts.endswith(" 0"):
            blob_id = facts.split(" ")[2]
            if _BLOB_ID.fullmatch(blob_id):
                blobs[path] = blob_id
    return blobs


def _find_attributed(root: Path, blobs: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Paths of which git may store other bytes than the work tree has: any others, or other line ends."""
    names = "\0".join(blobs) + "\0" if blobs else ""
    told = ask(root, "check-attr", "-z", "--stdin", *_ATTRIBUTES, *_LINE_ENDS, stdin=names)
    if told is None:
        return set(blobs), set()
    fields = told.split("\0")
    triples = zip(fields[0::3], fields[1::3], fields[2::3], strict=False)
    set_ones = [(path, name) for path, name, value in triples if value not in ("unspecified", "unset")]
    filtered = {path for path, name in set_ones if name in _ATTRIBUTES}
    return filtered, {path for path, _ in set_ones} - filtered


def _find_resized(root: Path, blobs: Mapping[str, str], paths: Collection[str]) -> set[str]:
    """Those of the paths whose file is not as long as its blob.

    On their way into git, line ends only ever get shorter: where the length is the same, so is every byte.
    """
    suspects = sorted(paths)
    ids = "".join(f"{blobs[path]}\n" for path in suspects)
    told = (ask(root, "cat-file", "--batch-check=%(objectsize)", stdin=ids) or "") if suspects else ""
    sizes = told.split("\n")[:-1]
    if len(sizes) != len(suspects):
        return set(suspects)
    return {path for path, size in zip(suspects, sizes, strict=True) if str(_measure(root / path)) != size}


def _measure(file: Path) -> int | None:
    try:
        return file.lstat().st_size
    except OSError:
        return None


def ask(root: Path, *arguments: str, stdin: str = "") -> str | None:
    """What git prints; None where it fails or is not there, which is no more than a lack of knowledge."""
    try:
        done = subprocess.run(  # noqa: S603
            [*_GIT, *arguments],
            cwd=root,
            env=_build_environment(),
            input=stdin.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


@contextmanager
def read_objects(root: Path, names: Iterable[str]) -> Iterator[IO[bytes]]:
    """What `cat-file --batch` prints of these objects, as it comes; nothing where git is not there."""
    # In a file: git would stop reading names while nobody reads what it prints.
    with tempfile.TemporaryFile() as asked:
        asked.write("".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))
        asked.seek(0)
        with subprocess.Popen(  # noqa: S603
            [*_GIT, "cat-file", "--batch"],
            cwd=root,
            env=_build_environment(),
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as git:
            assert git.stdout is not None
            try:
                yield git.stdout
            finally:
                git.kill()


def _build_environment() -> dict[str, str]:
    """A fresh one: variables such as GIT_DIR would point elsewhere, and no token is needed."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("GIT_CONFIG_")}
    return {**environment, "LC_ALL": "C"}

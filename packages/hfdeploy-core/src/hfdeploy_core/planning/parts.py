"""What the Hub takes in one commit, and how more than that is divided."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hfdeploy_core.errors import CommitTooLarge
from hfdeploy_core.model import CommitFiles, Plan, PutFile, RepoType
from hfdeploy_core.planning.files import find_displaced

# What the Hub stores apart from git: files of this size, and what .gitattributes names in a new repo. Where
# somebody has changed that, the Hub itself says what is too much.
_LARGE_BYTES = 10_000_000
_LARGE_SUFFIXES = (
    *(".7z", ".arrow", ".avro", ".bin", ".bz2", ".ckpt", ".ftz", ".gz", ".h5", ".joblib", ".lz4", ".mlmodel"),
    *(".model", ".msgpack", ".npy", ".npz", ".onnx", ".ot", ".parquet", ".pb", ".pickle", ".pkl", ".pt"),
    *(".pth", ".rar", ".safetensors", ".tar", ".tflite", ".tgz", ".wasm", ".xz", ".zip", ".zst"),
)
_LARGE_MEDIA = (
    *(
        ".aac",
        ".bmp",
        ".flac",
        ".gif",
        ".jpeg",
        ".jpg",
        ".mp3",
        ".mp4",
        ".ogg",
        ".pcm",
        ".png",
        ".raw",
        ".sam",
    ),
    *(".tiff", ".wav", ".webm", ".webp"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one commit may hold."""

    large_files: int = 25_000
    regular_bytes: int = 1_000_000_000


def split_commit(commit: CommitFiles, repo_type: RepoType, limits: Limits) -> tuple[CommitFiles, ...]:
    """The commit, or as few as the limits allow that do the same together, in a repo of that type.

    The first deletes what stands in the way, the last everything else; a README.md comes last, since it says
    what to do with the rest.
    """
    puts = sorted(commit.puts, key=lambda put: (put.entry.path == "README.md", put.entry.path))
    parts = list(_fill(puts, repo_type, limits))
    if len(parts) < 2:
        return (commit,)
    displaced = find_displaced(commit.deletions, {put.entry.path for put in commit.puts})
    first = tuple(path for path in commit.deletions if path in displaced)
    last = tuple(path for path in commit.deletions if path not in displaced)
    return tuple(
        replace(
            commit,
            puts=part,
            deletions=first if number == 1 else last if number == len(parts) else (),
            title=f"{commit.title} (part {number} of {len(parts)})",
        )
        for number, part in enumerate(parts, start=1)
    )


def check_parts(plan: Plan) -> None:
    """Raise CommitTooLarge where a plan needs more than one commit and nobody allowed that."""
    if (number := count_commits(plan)) > 1 and not plan.allows_partial:
        raise CommitTooLarge(f"{plan.repo} would need {number} commits: the Hub takes no more in one.")


def count_commits(plan: Plan) -> int:
    """How many commits a plan makes."""
    return sum(isinstance(change, CommitFiles) for change in plan.changes)


def _fill(puts: list[PutFile], repo_type: RepoType, limits: Limits) -> Iterator[tuple[PutFile, ...]]:
    suffixes = (*_LARGE_SUFFIXES, *(_LARGE_MEDIA if repo_type is RepoType.DATASET else ()))
    part: list[PutFile] = []
    large_files = regular_bytes = 0
    for put in puts:
        is_large = put.entry.size_bytes >= _LARGE_BYTES or put.entry.path.endswith(suffixes)
        large_files += is_large
        regular_bytes += 0 if is_large else put.entry.size_bytes
        if part and (large_files > limits.large_files or regular_bytes > limits.regular_bytes):
            yield tuple(part)
            part = []
            large_files, regular_bytes = int(is_large), 0 if is_large else put.entry.size_bytes
        part.append(put)
    if part:
        yield tuple(part)

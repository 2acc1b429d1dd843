import os
import time
from pathlib import Path

import pytest

from hfdeploy_core.source.cache import HashCache
from hfdeploy_core.source.digest import FoundFile, hash_file

LATER_NS = 10_000_000_000


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file that the cache in `state` knows."""
    path = tmp_path / "file"
    path.write_bytes(b"one")
    cache = HashCache(tmp_path / "state")
    cache.remember(hash_file(FoundFile("file", str(path))), path.stat(), time.time_ns() + LATER_NS)
    cache.save()
    return path


def find(path: Path):
    return HashCache(path.parent / "state").find("file", path.stat())


def test_a_file_that_looks_the_same_is_known(kept: Path) -> None:
    assert find(kept) == hash_file(FoundFile("file", str(kept)))


def test_another_size_time_or_inode_is_another_file(kept: Path) -> None:
    before = kept.stat()
    kept.write_bytes(b"two")
    assert find(kept) is None
    os.utime(kept, ns=(before.st_atime_ns, before.st_mtime_ns))
    # Same size, same time of writing: the time of change still tells.
    assert find(kept) is None
    kept.unlink()
    kept.write_bytes(b"one!")
    assert find(kept) is None


def test_a_file_written_a_moment_before_it_was_read_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    cache = HashCache(tmp_path / "state")
    cache.remember(hash_file(FoundFile("file", str(path))), path.stat(), time.time_ns())
    cache.save()
    assert find(path) is None


@pytest.mark.parametrize(
    "broken", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "files": {"file": [1]}}', '{"version": 1}']
)
def test_a_cache_that_makes_no_sense_is_none(kept: Path, broken: str) -> None:
    (kept.parent / "state" / "hashes.json").write_text(broken)
    assert find(kept) is None


def test_what_is_gone_is_forgotten_and_what_is_the_same_not_written(kept: Path) -> None:
    file = kept.parent / "state" / "hashes.json"
    before = file.stat().st_ino
    cache = HashCache(kept.parent / "state")
    cache.find("file", kept.stat())
    cache.save()
    assert file.stat().st_ino == before
    HashCache(kept.parent / "state").save()
    assert find(kept) is None


def test_a_place_that_cannot_be_written_is_only_slow(kept: Path) -> None:
    cache = HashCache(kept / "no folder")
    cache.remember(hash_file(FoundFile("file", str(kept))), kept.stat(), time.time_ns() + LATER_NS)
    cache.save()

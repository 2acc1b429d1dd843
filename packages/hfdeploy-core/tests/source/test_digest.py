import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from hfdeploy_core.errors import SourceChanged, SourceUnreadable
from hfdeploy_core.source.cache import HashCache
from hfdeploy_core.source.digest import FoundFile, check_unchanged, complete, hash_file, name_files


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\0" * 3_000_001])
def test_the_hashes_are_gits_and_sha256(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    entry = hash_file(FoundFile("file", str(path)))
    git = subprocess.run(["git", "hash-object", str(path)], capture_output=True, text=True, check=True)
    assert entry.blob_id == git.stdout.strip()
    assert entry.sha256 == hashlib.sha256(content).hexdigest()
    assert entry.size_bytes == len(content)


def test_large_and_small_files_come_in_the_order_given(tmp_path: Path) -> None:
    sizes = {"b": 2_000_000, "a": 1, "d": 1_500_000, "c": 0}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(os.urandom(size))
    entries = name_files((FoundFile(name, str(tmp_path / name)) for name in sizes), HashCache(tmp_path))
    assert {entry.path: entry.size_bytes for entry in entries} == sizes
    assert [entry.path for entry in entries] == list(sizes)


def test_a_file_that_vanished_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"gone\.txt"):
        name_files([FoundFile("gone.txt", str(tmp_path / "gone.txt"))], HashCache(tmp_path))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a file that grows while it is read")
def test_a_file_that_grows_while_it_is_read_is_noticed() -> None:
    with pytest.raises(SourceChanged, match="while it was read"):
        hash_file(FoundFile("status", "/proc/self/status"))


def test_a_later_write_and_a_removal_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    entry = hash_file(FoundFile("file", str(path)))
    check_unchanged(tmp_path, [entry])
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceChanged, match="file changed"):
        check_unchanged(tmp_path, [entry])
    path.unlink()
    with pytest.raises(SourceChanged, match="disappeared"):
        check_unchanged(tmp_path, [entry])


def test_what_git_knows_is_not_read_until_it_has_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello\n")
    blob_id = hash_file(FoundFile("file", str(tmp_path / "file"))).blob_id
    found = FoundFile("file", str(tmp_path / "file"), blob_id=blob_id)
    (entry,) = name_files([found], HashCache(tmp_path))
    assert (entry.blob_id, entry.sha256, entry.size_bytes) == (blob_id, None, 6)
    assert complete(tmp_path, (entry,), (), tmp_path) == (entry,)
    (full,) = complete(tmp_path, (entry,), ["file"], tmp_path)
    assert full.sha256 == hashlib.sha256(b"hello\n").hexdigest()

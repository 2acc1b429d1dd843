import os
from pathlib import Path

import pytest

from hfdeploy_core.errors import (
    DeployError,
    LinkRefused,
    PathInvalid,
    SourceEmpty,
    SourceMissing,
    SourceNotAFolder,
    SourceUnreadable,
)
from hfdeploy_core.source.scan import scan


def paths(root: Path) -> list[str]:
    return [entry.path for entry in scan(root).entries]


def test_everything_is_found_in_order_of_path(write) -> None:
    root = write(
        {"b.txt": "b", "a/z.txt": "", "a/deep/er/日本 語.txt": "x", "README.md": "---\nsdk: static\n---\n"}
    )
    assert paths(root) == ["README.md", "a/deep/er/日本 語.txt", "a/z.txt", "b.txt"]


def test_what_is_never_deployed_is_left_out_and_secrets_are_told(write) -> None:
    root = write(
        {
            "app.py": "x",
            ".git/config": "x",
            "a/__pycache__/b.pyc": "x",
            ".hfdeploy/journal": "x",
            ".cache/huggingface/x": "x",
            ".DS_Store": "x",
            ".env": "TOKEN=1",
            "sub/.env.local": "x",
        }
    )
    assert paths(root) == ["app.py"]
    assert [skipped.path for skipped in scan(root).skipped] == [".cache", ".env", "sub/.env.local"]


def test_the_source_must_be_a_folder_with_files(write, tmp_path: Path) -> None:
    cases: list[tuple[Path, type[DeployError]]] = [
        (tmp_path / "nowhere", SourceMissing),
        (write({"file": "x"}) / "file", SourceNotAFolder),
        (write({"file": "x"}) / "file" / "below", SourceMissing),
    ]
    (tmp_path / "empty" / "folders" / "only").mkdir(parents=True)
    (tmp_path / "empty" / ".git").mkdir()
    cases.append((tmp_path / "empty", SourceEmpty))
    for source, kind in cases:
        with pytest.raises(kind):
            scan(source)


def test_links_within_the_source_are_followed(write) -> None:
    root = write({"real/file.txt": "x"})
    (root / "file.txt").symlink_to("real/file.txt")
    (root / "folder").symlink_to("real")
    assert paths(root) == ["file.txt", "folder/file.txt", "real/file.txt"]
    assert len({entry.blob_id for entry in scan(root).entries}) == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("../outside", "leaves the source"),
        ("/etc/passwd", "leaves the source"),
        ("nowhere", "broken"),
        (".", "points back"),
        ("a", "points back"),
        ("link", "broken"),
        (".env", "never deployed"),
    ],
)
def test_links_that_leave_break_or_circle_are_refused(write, target: str, words: str) -> None:
    root = write({"a/b.txt": "x", ".env": "SECRET"})
    (root.parent / "outside").write_text("x")
    (root / "a" / "link").symlink_to(target if target in ("/etc/passwd", "link") else f"../{target}")
    with pytest.raises(LinkRefused, match=words):
        scan(root)


def test_links_that_circle_through_each_other_are_refused(write) -> None:
    root = write({"a/x.txt": "x", "b/y.txt": "y"})
    (root / "a" / "to_b").symlink_to("../b")
    (root / "b" / "to_a").symlink_to("../a")
    with pytest.raises(LinkRefused, match="points back"):
        scan(root)


def test_the_source_itself_may_be_a_link(write, tmp_path: Path) -> None:
    write({"app.py": "x"})
    (tmp_path / "link").symlink_to("source")
    assert paths(tmp_path / "link") == ["app.py"]


def test_what_is_no_file_is_refused(write) -> None:
    root = write({"app.py": "x"})
    os.mkfifo(root / "pipe")
    with pytest.raises(SourceUnreadable, match="pipe"):
        scan(root)


def test_a_name_that_is_not_utf8_is_refused(write) -> None:
    root = write({"app.py": "x"})
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff")).write_bytes(b"")
    with pytest.raises(PathInvalid, match="UTF-8"):
        scan(root)


def test_a_file_that_was_read_before_is_not_read_again(write, monkeypatch) -> None:
    root = write({"a.txt": "a", "b/c.txt": "c"})
    for path in root.rglob("*.txt"):
        os.utime(path, ns=(1, 1))
    monkeypatch.setattr("hfdeploy_core.source.cache._RACY_NS", -(10**18))
    first = scan(root)
    monkeypatch.setattr("hfdeploy_core.source.digest.hash_file", None)
    assert scan(root).entries == first.entries
    assert (root / ".hfdeploy" / ".gitignore").read_text() == "*\n"


def test_the_state_may_lie_elsewhere(write, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("hfdeploy_core.source.cache._RACY_NS", -(10**18))
    root = write({"a.txt": "a"})
    scan(root, tmp_path / "state")
    assert not (root / ".hfdeploy").exists()
    assert (tmp_path / "state" / "hashes.json").exists()

import os
import subprocess
from pathlib import Path

import pytest

from hfdeploy_core.model import Provenance
from hfdeploy_core.source.digest import FoundFile, hash_file
from hfdeploy_core.source.git import clean_url, find_provenance, find_run, read_blobs, read_tree
from hfdeploy_core.source.scan import scan


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(write) -> Path:
    root = write({"a.txt": "a\n", "b c/ü.txt": "u\n", "crlf.txt": "1\r\n2\r\n"})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")
    return root


def known(root: Path) -> set[str]:
    return {entry.path for entry in scan(root).entries if entry.sha256 is None}


def test_in_a_clean_checkout_nothing_is_read(checkout: Path, monkeypatch) -> None:
    monkeypatch.setattr("hfdeploy_core.source.digest.hash_file", None)
    assert known(checkout) == {"a.txt", "b c/ü.txt", "crlf.txt"}


def test_what_git_says_is_what_reading_would_say(checkout: Path) -> None:
    for entry in scan(checkout).entries:
        assert entry.blob_id == hash_file(FoundFile(entry.path, str(checkout / entry.path))).blob_id


def test_what_was_touched_is_read(checkout: Path) -> None:
    (checkout / "a.txt").write_text("b\n")
    (checkout / "new.txt").write_text("n")
    assert known(checkout) == {"b c/ü.txt", "crlf.txt"}


def test_a_change_of_the_same_size_and_time_is_noticed(checkout: Path) -> None:
    before = (checkout / "a.txt").stat()
    (checkout / "a.txt").write_text("b\n")
    os.utime(checkout / "a.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    entries = {entry.path: entry for entry in scan(checkout).entries}
    assert entries["a.txt"].blob_id == hash_file(FoundFile("a.txt", str(checkout / "a.txt"))).blob_id


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_files_that_git_does_not_look_at_are_read(checkout: Path, flag: str) -> None:
    git(checkout, "update-index", flag, "a.txt")
    (checkout / "a.txt").write_text("secretly other\n")
    assert "a.txt" not in known(checkout)


@pytest.mark.parametrize("attribute", ["filter=lfs", "ident", "working-tree-encoding=utf-16"])
def test_files_that_git_may_store_otherwise_are_read(checkout: Path, attribute: str) -> None:
    (checkout / ".gitattributes").write_text(f"*.txt {attribute}\n")
    assert known(checkout) == set()
    (checkout / ".gitattributes").write_text("crlf.txt -text\n")
    assert known(checkout) == {"a.txt", "b c/ü.txt", "crlf.txt"}


LINE_ENDINGS = {
    "autocrlf": (["-c", "core.autocrlf=true"], ""),
    "input": (["-c", "core.autocrlf=input"], "*.txt text=auto\n"),
    "eol": ([], "a.txt text eol=crlf\n"),
    "auto": ([], "* text=auto\n"),
}


@pytest.mark.parametrize("how", LINE_ENDINGS)
def test_only_files_whose_line_endings_git_converts_are_read(checkout: Path, how: str) -> None:
    """And what is deployed of a clean checkout are the bytes on the disk."""
    settings, attributes = LINE_ENDINGS[how]
    (checkout / ".gitattributes").write_text(attributes)
    (checkout / "one line").write_text("no end")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "y")
    git(checkout.parent, *settings, "clone", "-q", "source", "clone")
    clone = checkout.parent / "clone"
    for name, value in (setting.split("=") for setting in settings[1::2]):
        git(clone, "config", name, value)
    assert git(clone, "status", "--porcelain") == ""
    entries = {entry.path: entry for entry in scan(clone).entries}
    read = {path for path, entry in entries.items() if entry.sha256 is not None}
    converted = {path for path in entries if (clone / path).read_bytes() != (checkout / path).read_bytes()}
    assert read == converted
    assert ("a.txt" in converted) is (how in ("autocrlf", "eol"))
    for path, entry in entries.items():
        assert entry.blob_id == hash_file(FoundFile(path, str(clone / path))).blob_id


def test_links_are_not_what_git_keeps_of_them(checkout: Path) -> None:
    (checkout / "link").symlink_to("a.txt")
    (checkout / "folder").symlink_to("b c")
    git(checkout, "add", "-A")
    assert known(checkout) == {"a.txt", "b c/ü.txt", "crlf.txt"}


def test_a_folder_within_a_checkout(checkout: Path) -> None:
    assert known(checkout / "b c") == {"ü.txt"}
    assert set(read_tree(checkout / "b c", git(checkout, "rev-parse", "HEAD"))) == {"ü.txt"}


def test_other_checkouts_in_the_environment_do_not_matter(checkout: Path, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert known(checkout) == {"a.txt", "b c/ü.txt", "crlf.txt"}


def test_no_program_of_the_repositorys_choosing_runs(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "config", "core.fsmonitor", f"touch {tmp_path}/ran; false")
    read_blobs(checkout)
    find_provenance(checkout, {})
    assert not (tmp_path / "ran").exists()


def test_without_git_nothing_is_known(write, monkeypatch) -> None:
    root = write({"a": "x"})
    assert read_blobs(root) == {}
    assert find_provenance(root, {}) == Provenance()
    monkeypatch.setenv("PATH", "")
    assert read_blobs(root) == {}


def test_an_earlier_commit_is_read_from_git(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert read_tree(checkout, commit) == {e.path: e.blob_id for e in scan(checkout).entries}
    assert read_tree(checkout, "0" * 40) == {}
    assert read_tree(checkout, "--help") == {}


def test_the_commit_is_named_only_where_nothing_was_changed(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    git(checkout, "remote", "add", "origin", "https://user:password@git.test/alice/app.git")
    assert find_provenance(checkout, {}) == Provenance("https://git.test/alice/app", commit, None)
    (checkout / "new").write_text("x")
    assert find_provenance(checkout, {}).commit is None


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://git.test/a/b.git", "https://git.test/a/b"),
        ("https://x-access-token:hf_secretsecret@git.test/a/b", "https://git.test/a/b"),
        ("git@git.test:a/b.git\n", "https://git.test/a/b"),
        ("ssh://git@git.test/a/b", "https://git.test/a/b"),
        ("https://git.test/a?token=1", "https://git.test/a"),
        ("/home/me/repo", None),
        ("../repo", None),
        ("", None),
    ],
)
def test_urls_are_fit_for_everybodys_eyes(url: str, clean: str | None) -> None:
    assert clean_url(url) == clean


def test_the_run_is_named_as_the_ci_has_it() -> None:
    github = {"GITHUB_SERVER_URL": "https://git.test", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}
    assert find_run(github) == "https://git.test/a/b/actions/runs/7"
    assert find_run({"CI_JOB_URL": "https://lab.test/-/jobs/1"}) == "https://lab.test/-/jobs/1"
    assert find_run({}) is None

import subprocess
from pathlib import Path

import pytest

from hfdeploy_core.errors import LinkRefused, PathInvalid, SourceEmpty, SourceMissing
from hfdeploy_core.model import Source
from hfdeploy_core.source.digest import FoundFile, hash_file
from hfdeploy_core.source.opening import OpenSource, open_source


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(root: Path) -> str:
    git(root, "add", "-A", "-f")
    git(root, "commit", "-qm", "x")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def repository(write) -> Path:
    root = write({"a.txt": "one\n", "app/b c/ü.py": "two", "app/run.sh": "", "app/.env": "A=1"})
    git(root, "init", "-q", "-b", "main")
    commit(root)
    return root


def look(root: Path, rev: str = "main", **options) -> list[str]:
    with open_source(Source(str(root), rev, **options), root / "unused") as opened:
        if opened.faults:
            raise opened.faults[0]
        return [entry.path for entry in opened.snapshot.entries]


def test_a_revision_is_what_git_holds_whatever_lies_in_the_work_tree(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    (repository / "a.txt").write_text("changed")
    (repository / "new.txt").write_text("new")
    before = git(repository, "status", "--porcelain")
    with open_source(Source(str(repository), "HEAD"), repository / "unused") as opened:
        assert opened.commit == head
        assert [entry.path for entry in opened.snapshot.entries] == ["a.txt", "app/b c/ü.py", "app/run.sh"]
        assert [skipped.path for skipped in opened.snapshot.skipped] == ["app/.env"]
        brought = opened.bring(opened.snapshot, {"a.txt", "app/run.sh"})
        entries = {entry.path: entry for entry in brought.entries}
        assert entries["a.txt"].locate(repository).read_text() == "one\n"
        for path in ("a.txt", "app/run.sh"):
            named = hash_file(FoundFile(path, str(entries[path].locate(repository))))
            assert (named.blob_id, named.size_bytes) == (entries[path].blob_id, entries[path].size_bytes)
        assert not entries["app/b c/ü.py"].location
        places = [Path(entry.location) for entry in brought.entries if entry.location]
    assert not any(place.exists() for place in places)
    assert git(repository, "status", "--porcelain") == before


def test_a_folder_of_a_repository_is_what_lies_below_it(repository: Path) -> None:
    assert look(repository / "app") == ["b c/ü.py", "run.sh"]


@pytest.mark.parametrize("rev", ["nowhere", "--all", "-h", "main:app", "", "main\n"])
def test_what_is_no_revision_is_refused(repository: Path, rev: str) -> None:
    with pytest.raises(SourceMissing, match="There is no git revision") as caught:
        look(repository, rev)
    assert "fetch it first" in caught.value.remedy


def test_where_git_finds_no_repository_or_does_not_trust_it_that_is_told(write) -> None:
    with pytest.raises(SourceMissing, match="git finds no repository") as caught:
        look(write({"a": "x"}))
    assert "`git status`" in caught.value.remedy


def test_ignore_files_are_those_of_the_revision(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.sh\n/app/b c\n")
    (repository / "app/.hfignore").write_text("!run.sh\n")
    commit(repository)
    (repository / ".gitignore").write_text("*\n")
    assert look(repository) == [".gitignore", "a.txt", "app/run.sh"]
    assert look(repository / "app") == ["run.sh"]
    assert look(repository, exclude=("a.txt",)) == [".gitignore", "app/run.sh"]


def test_links_are_followed_within_the_revision_and_submodules_are_told(repository: Path, tmp_path) -> None:
    (repository / "file").symlink_to("app/../a.txt")
    (repository / "app/again").symlink_to("../file")
    (repository / "folder").symlink_to("app/b c")
    git(repository, "submodule", "--quiet", "add", str(repository), "module")
    commit(repository)
    with open_source(Source(str(repository), "main"), tmp_path) as opened:
        blobs = {entry.path: entry.blob_id for entry in opened.snapshot.entries}
        assert blobs["file"] == blobs["app/again"] == blobs["a.txt"]
        assert blobs["folder/ü.py"] == blobs["app/b c/ü.py"]
        assert "module" in [skipped.path for skipped in opened.snapshot.skipped]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/etc/hostname", "leaves"),
        ("../outside", "leaves"),
        ("nowhere", "broken"),
        ("link", "broken"),
        ("app/.env", "never deployed"),
    ],
)
def test_links_that_leave_or_break_are_refused(repository: Path, target: str, says: str) -> None:
    (repository / "link").symlink_to(target)
    commit(repository)
    with pytest.raises(LinkRefused, match=says):
        look(repository)


def test_a_link_to_its_own_folder_is_refused(repository: Path) -> None:
    (repository / "app/back").symlink_to("../app")
    commit(repository)
    with pytest.raises(LinkRefused, match="points back"):
        look(repository)


def test_names_are_checked_and_nothing_is_refused(repository: Path) -> None:
    (repository / "a\\b").write_text("")
    commit(repository)
    with pytest.raises(PathInvalid):
        look(repository)
    with pytest.raises(SourceEmpty):
        look(repository, exclude=("*",))


def test_an_open_source_brings_nothing_if_its_files_are_there(write, tmp_path) -> None:
    with open_source(Source(str(write({"a": "x"}))), tmp_path) as opened:
        assert isinstance(opened, OpenSource)
        assert opened.bring(opened.snapshot, {"a"}) == opened.snapshot

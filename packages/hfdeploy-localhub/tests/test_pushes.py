import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.errors import BadRequest, Forbidden, InvalidPath
from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.pushes import Pusher, check_files, check_ref
from hfdeploy_localhub.store.incoming import NewFile, RefChange

OLD, NEW = "a" * 40, "b" * 40
OWNER, AUTHOR = Pusher(True, frozenset({1, 2})), Pusher(False, frozenset({2}))
LARGE = LargeFile("c" * 64, 5)


@pytest.mark.parametrize(
    "change",
    [
        RefChange("refs/heads/main", OLD, NEW),
        RefChange("refs/heads/feature/x", None, NEW),
        RefChange("refs/heads/feature/x", OLD, None),
        RefChange("refs/tags/v1", None, NEW),
        RefChange("refs/pr/1", OLD, NEW),
    ],
)
def test_owners_push_branches_tags_and_pull_requests(change: RefChange) -> None:
    check_ref(change, OWNER)


@pytest.mark.parametrize(
    ("change", "pusher", "error"),
    [
        (RefChange("refs/heads/main", OLD, None), OWNER, BadRequest),
        (RefChange("refs/heads/main", OLD, NEW), AUTHOR, Forbidden),
        (RefChange("refs/tags/v1", None, NEW), AUTHOR, Forbidden),
        (RefChange("refs/pr/1", OLD, NEW), AUTHOR, Forbidden),
        (RefChange("refs/pr/3", None, NEW), OWNER, Forbidden),
        (RefChange("refs/pr/2", None, NEW), AUTHOR, BadRequest),
        (RefChange("refs/pr/2", OLD, None), AUTHOR, BadRequest),
        (RefChange("refs/pr/02", OLD, NEW), OWNER, BadRequest),
        (RefChange("HEAD", OLD, NEW), OWNER, BadRequest),
    ],
)
def test_refs_that_are_refused(change: RefChange, pusher: Pusher, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_ref(change, pusher)


def test_authors_extend_their_own_pull_requests() -> None:
    check_ref(RefChange("refs/pr/2", OLD, NEW), AUTHOR)
    assert AUTHOR.may_push
    assert not Pusher(False, frozenset()).may_push


@given(st.text(min_size=1).filter(lambda name: not name.startswith(("heads/", "tags/", "pr/"))))
def test_nothing_else_can_be_pushed(name: str) -> None:
    with pytest.raises(BadRequest):
        check_ref(RefChange(f"refs/{name}", None, NEW), OWNER)


def check(*files: NewFile, owned: dict[str, int] | None = None) -> None:
    check_files(files, (owned or {}).get, max_bytes=100)


def test_files_that_pass() -> None:
    check(NewFile("a/b.txt", 99, None), NewFile("w.bin", 30, LARGE), owned={LARGE.sha256: 5})


@pytest.mark.parametrize("owned", [{}, {LARGE.sha256: 6}])
def test_a_pointer_needs_its_content_with_its_size(owned: dict[str, int]) -> None:
    with pytest.raises(BadRequest, match=r"was not uploaded(?s:.*)w\.bin"):
        check(NewFile("w.bin", 30, LARGE), owned=owned)


def test_large_files_are_named_but_not_without_end() -> None:
    with pytest.raises(BadRequest, match=r"git-lfs(?s:.*)  - 0(?s:.*)and 2 more"):
        check(*(NewFile(str(number), 100, None) for number in range(12)))


@pytest.mark.parametrize("path", ["a/../b", ".git/config", "a//b", "x/.GIT/hooks"])
def test_paths_that_no_client_can_hold(path: str) -> None:
    with pytest.raises(InvalidPath):
        check(NewFile(path, 1, None))


def test_what_git_tells_of_a_ref() -> None:
    assert RefChange.parse(f"{'0' * 40} {NEW} refs/heads/a b") == RefChange("refs/heads/a b", None, NEW)
    assert RefChange.parse(f"{OLD} {'0' * 40} refs/tags/x") == RefChange("refs/tags/x", OLD, None)

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfdeploy_localhub.errors import BadRequest, Conflict, InvalidCredentials, RepoNotFound
from hfdeploy_localhub.model import AccessToken, Caller, Repo
from hfdeploy_localhub.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


def reopen(store: Store, tmp_path: Path) -> Store:
    """What a restart of the hub does; the fixture closes it in the end."""
    store.close()
    store.__init__(tmp_path / "data")  # type: ignore[misc]
    return store


def create(store: Store, name: str = "m") -> Repo:
    alice = Caller(store.accounts.add_user("alice"), AccessToken("write", "t"))
    return store.create_repo(alice, "model", "alice", name, visibility="public")


def test_a_new_repo_holds_its_attributes_only(store: Store) -> None:
    repo = create(store)
    git = store.git(repo)
    assert [entry.path for entry in git.walk(git.head())] == [".gitattributes"]
    assert git.show(git.head()).title == "initial commit"
    assert git.show(git.head()).author == "alice"


def test_a_name_is_taken_in_any_case(store: Store) -> None:
    create(store)
    with pytest.raises(Conflict):
        create(store, "M")


def test_a_folder_has_one_hub_at_a_time(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="another hub uses it"):
        Store(tmp_path / "data")
    store.close()
    Store(tmp_path / "data").close()


def test_all_is_there_after_reopening(store: Store, tmp_path: Path) -> None:
    repo = create(store)
    user = store.accounts.add_user("alice")
    store.accounts.add_token(user, "hf_x")
    head = store.git(repo).head()
    again = reopen(store, tmp_path)
    assert again.git(again.repos.find("model", "alice", "m") or repo).head() == head
    assert again.accounts.caller("hf_x", again.now()).user == user


def test_unfinished_repos_are_swept_at_start(store: Store, tmp_path: Path) -> None:
    repo = create(store)
    left_over = tmp_path / "data/git/999.git"
    left_over.mkdir()
    (tmp_path / "data/large/incoming/cut-off").write_bytes(b"half")
    again = reopen(store, tmp_path)
    assert not left_over.exists()
    assert not list((tmp_path / "data/large/incoming").iterdir())
    assert again.git(repo).head()


def test_what_is_no_hubs_is_not_swept(store: Store, tmp_path: Path) -> None:
    mine = tmp_path / "projects/git/mine"
    mine.mkdir(parents=True)
    with pytest.raises(FileExistsError, match=r"its folder git is not empty, though there is no hub\.sqlite"):
        Store(tmp_path / "projects")
    assert [path.name for path in (tmp_path / "projects").iterdir()] == ["git"]
    (tmp_path / "data/git/mine").mkdir()
    reopen(store, tmp_path)
    assert (tmp_path / "data/git/mine").exists()


def test_a_failed_creation_leaves_no_row(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfdeploy_localhub.store.git.GitRepository.add_blob", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        create(store)
    monkeypatch.undo()
    assert store.repos.find("model", "alice", "m") is None
    assert create(store)


def test_a_repo_that_was_deleted_meanwhile_is_not_found(store: Store) -> None:
    repo = create(store)
    store.remove_repo(repo)
    with pytest.raises(RepoNotFound):
        store.git(repo)


def test_tokens_are_kept_as_digests(store: Store, tmp_path: Path) -> None:
    token = "hf_" + "canary" * 5
    store.accounts.add_token(store.accounts.add_user("alice"), token)
    store.close()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"canarycanary" not in stored


def test_an_open_folder_holds_closed_ones(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Store(tmp_path).close()
    for part in ("git", "large", "spaces", "xet"):
        assert stat.S_IMODE((tmp_path / part).stat().st_mode) == 0o700


def test_files_with_secrets_are_for_the_owner_only(store: Store, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data/hub.sqlite").stat().st_mode) == 0o600


def test_unknown_tokens_are_refused(store: Store) -> None:
    with pytest.raises(InvalidCredentials):
        store.accounts.caller("hf_unknown", store.now())
    assert store.accounts.caller(None, store.now()).anonymous


@pytest.mark.parametrize("name", ["", "a b", "datasets", "a/b", "ü", "x" * 97])
def test_account_names_that_no_id_can_hold(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be an account's name"):
        store.accounts.add_user(name)


def test_a_transaction_is_undone_whole(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.database.transaction() as connection:  # noqa: PT012
        connection.execute("INSERT INTO accounts (name, kind, full_name) VALUES ('x', 'user', 'x')")
        raise ZeroDivisionError
    assert store.accounts.find("x") is None


def test_large_files_appear_whole_and_right_or_not_at_all(store: Store) -> None:
    wrong = "00" * 32
    with store.large_files.receive() as incoming:
        incoming.write(b"hello")
        with pytest.raises(BadRequest, match="sha256"):
            incoming.keep(sha256=wrong)
    assert store.large_files.content(wrong) is None
    with store.large_files.receive() as incoming:
        incoming.write(b"hello")
        file = incoming.keep().file
    assert store.large_files.path(file.sha256).read_bytes() == b"hello"
    with pytest.raises(BadRequest):
        store.large_files.path("../../etc/passwd")


def test_parts_may_come_in_any_order(store: Store) -> None:
    with store.large_files.receive_part("u", 5) as part:
        part.write(b"world")
    with store.large_files.receive_part("u", 0) as part:
        part.write(b"hello")
    sha256 = "936a185caaa266bb9cbe981e9e05cb78cd732b0b3280eb944412bb6f8f8f07af"
    assert store.large_files.join_parts("u", sha256=sha256).file.size == 10
    with pytest.raises(BadRequest, match="No part"):
        store.large_files.join_parts("u", sha256=sha256)


def test_a_move_redirects_until_the_name_is_taken_again(store: Store) -> None:
    repo = create(store)
    store.repos.move(repo, "alice", "n")
    moved = store.repos.find_moved("model", "alice", "m")
    assert moved is not None
    assert moved.full_name == "alice/n"
    create(store)
    assert store.repos.find_moved("model", "alice", "m") is None

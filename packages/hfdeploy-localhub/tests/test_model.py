from datetime import UTC, datetime
from typing import Literal

import pytest

from hfdeploy_localhub.errors import BadRequest, InvalidPath
from hfdeploy_localhub.model import (
    AccessToken,
    Account,
    Caller,
    Repo,
    Right,
    Scope,
    Visibility,
    check_file_path,
    check_repo_name,
    check_setting_key,
    decide_create,
    decide_propose,
    decide_right,
    format_time,
)

ALICE = Account(1, "Alice", "user", "Alice")
BOB, EVE, JOE = (Account(row, name, "user", name) for row, name in ((2, "bob"), (3, "eve"), (4, "joe")))
WRITE, READ = AccessToken("write", "w"), AccessToken("read", "r")
STRANGER = Caller()
OWNER = Caller(ALICE, WRITE)
READER = Caller(ALICE, READ)
MEMBER = Caller(BOB, WRITE, {"acme": "write"})
GUEST = Caller(EVE, WRITE, {"acme": "read"})
CONTRIBUTOR = Caller(JOE, WRITE, {"acme": "contributor"})


def fine(*scopes: Scope) -> Caller:
    return Caller(ALICE, AccessToken("fineGrained", "f", scopes), {"acme": "admin"})


def scope(entity: Literal["model", "user", "org"], name: str, *permissions: str) -> Scope:
    return Scope(entity, name, frozenset(permissions))


ONE_REPO = fine(scope("model", "Alice/m", "repo.write"))
OTHER_REPO = fine(scope("model", "alice/other", "repo.write"))
OTHER_TYPE = fine(Scope("dataset", "alice/m", frozenset({"repo.write"})))
READS_OWN = fine(scope("user", "alice", "repo.content.read"))
WRITES_ORG = fine(scope("org", "ACME", "repo.write"))


def repo(namespace: str, visibility: Visibility) -> Repo:
    return Repo(1, "model", namespace, "m", visibility, None, datetime.now(UTC))


@pytest.mark.parametrize(
    ("caller", "namespace", "visibility", "right"),
    [
        (STRANGER, "alice", "public", Right.READ),
        (STRANGER, "alice", "private", Right.NONE),
        (STRANGER, "alice", "protected", Right.NONE),
        (OWNER, "alice", "private", Right.WRITE),
        (READER, "alice", "private", Right.READ),
        (READER, "alice", "public", Right.READ),
        (MEMBER, "alice", "private", Right.NONE),
        (MEMBER, "ACME", "private", Right.WRITE),
        (GUEST, "acme", "private", Right.READ),
        (OWNER, "acme", "private", Right.NONE),
        (CONTRIBUTOR, "acme", "private", Right.READ),
        (ONE_REPO, "alice", "private", Right.WRITE),
        (OTHER_REPO, "alice", "private", Right.NONE),
        (OTHER_REPO, "alice", "public", Right.READ),
        (OTHER_TYPE, "alice", "private", Right.NONE),
        (READS_OWN, "alice", "private", Right.READ),
        (WRITES_ORG, "acme", "private", Right.WRITE),
        (WRITES_ORG, "alice", "private", Right.NONE),
    ],
)
def test_rights(caller: Caller, namespace: str, visibility: Visibility, right: Right) -> None:
    assert decide_right(caller, repo(namespace, visibility)) == right


def test_contributors_write_what_they_created() -> None:
    own = Repo(1, "model", "acme", "m", "private", None, datetime.now(UTC), creator_id=JOE.id)
    assert decide_right(CONTRIBUTOR, own) == Right.WRITE
    assert decide_right(GUEST, own) == Right.READ


@pytest.mark.parametrize(
    ("caller", "allowed"),
    [
        (STRANGER, False),
        (MEMBER, True),
        (READER, False),
        (ONE_REPO, True),
        (OTHER_REPO, False),
        (READS_OWN, False),
        (fine(scope("model", "alice/m", "discussion.write")), True),
        (fine(), False),
    ],
)
def test_proposals(caller: Caller, allowed: bool) -> None:
    assert decide_propose(caller, repo("alice", "public")) is allowed


@pytest.mark.parametrize(
    ("caller", "namespace", "allowed"),
    [
        (STRANGER, "alice", False),
        (OWNER, "ALICE", True),
        (READER, "alice", False),
        (OWNER, "bob", False),
        (MEMBER, "acme", True),
        (GUEST, "acme", False),
        (CONTRIBUTOR, "acme", True),
        (ONE_REPO, "alice", False),
        (READS_OWN, "alice", False),
        (WRITES_ORG, "acme", True),
        (WRITES_ORG, "alice", False),
    ],
)
def test_creation(caller: Caller, namespace: str, allowed: bool) -> None:
    assert decide_create(caller, namespace) is allowed


@pytest.mark.parametrize("name", ["a", "A-b_c.d", "__x__", "x" * 96])
def test_good_names(name: str) -> None:
    assert check_repo_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "a--b", "a..b", "x.git", "-a", "a.", "ü", "x" * 97, "a\n"]
)
def test_bad_names(name: str) -> None:
    with pytest.raises(BadRequest):
        check_repo_name(name)


@pytest.mark.parametrize("path", ["a", "a b/ü.txt", ".gitignore", "folder/..\\..\\file", "a/...", "x.git/y"])
def test_good_paths(path: str) -> None:
    assert check_file_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a//b", "../a", "a/../b", "a/.", "..\\x", ".git/config", "a/.GIT/x", "a\0b", "x" * 4097],
)
def test_bad_paths(path: str) -> None:
    with pytest.raises(InvalidPath):
        check_file_path(path)


@pytest.mark.parametrize("key", ["", "1A", "A-B", "_A", "A B"])
def test_bad_setting_keys(key: str) -> None:
    with pytest.raises(BadRequest):
        check_setting_key(key)


def test_times_are_told_in_milliseconds_of_utc() -> None:
    assert format_time(datetime(2026, 11, 21, 1, 2, 3, 456789, UTC)) == "2026-11-21T01:02:03.456Z"

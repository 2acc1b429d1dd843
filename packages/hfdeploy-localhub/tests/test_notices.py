from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hfdeploy_localhub.courier import is_here
from hfdeploy_localhub.model import Repo
from hfdeploy_localhub.notices import State, covers, plan_notices
from hfdeploy_localhub.store.discussions import Discussion, Event

REPO = Repo(1, "model", "alice", "m", "public", None, datetime(2026, 1, 1, tzinfo=UTC))
TALK = Discussion(1, "title", "bob", "", "open", False, None)
COMMENT = Event("c1", "comment", "bob", "", {"latest": {"raw": "hello"}, "hidden": False})
STATE = State(REPO, {"refs/heads/main": "1"}, {1: TALK}, {"c1": (1, COMMENT)})


def told(before: State | None, after: State | None) -> list[tuple[str, str]]:
    return [(notice.action, notice.scope) for notice in plan_notices(before, after)]


def test_nothing_happened() -> None:
    assert told(STATE, STATE) == told(None, None) == []


@pytest.mark.parametrize(
    ("before", "after", "notices"),
    [
        (None, STATE, [("create", "repo")]),
        (STATE, None, [("delete", "repo")]),
        (STATE, replace(STATE, repo=replace(REPO, name="n")), [("move", "repo")]),
        (STATE, replace(STATE, repo=replace(REPO, visibility="private")), [("update", "repo.config")]),
        (STATE, replace(STATE, repo=replace(REPO, gated="auto")), [("update", "repo.config")]),
        (STATE, replace(STATE, refs={"refs/heads/main": "2"}), [("update", "repo.content")]),
        (STATE, replace(STATE, refs={}), [("update", "repo.content")]),
        (State(REPO), replace(STATE, refs={}), [("create", "discussion")]),
        (STATE, replace(STATE, discussions={1: replace(TALK, status="closed")}), [("update", "discussion")]),
        (
            replace(STATE, comments={}),
            STATE,
            [("create", "discussion.comment")],
        ),
        (
            STATE,
            replace(STATE, comments={"c1": (1, replace(COMMENT, data={"latest": {"raw": "x"}}))}),
            [("update", "discussion.comment")],
        ),
    ],
)
def test_what_differs_is_told(
    before: State | None, after: State | None, notices: list[tuple[str, str]]
) -> None:
    assert told(before, after) == notices


def test_refs_are_told_with_both_commits() -> None:
    (notice,) = plan_notices(STATE, replace(STATE, refs={"refs/heads/main": "2", "refs/tags/v": "1"}))
    assert notice.updated_refs == (("refs/heads/main", "1", "2"), ("refs/tags/v", None, "1"))
    assert notice.head == "2"


@pytest.mark.parametrize(
    ("type", "name", "covered"),
    [
        ("model", "alice/M", True),
        ("dataset", "alice/m", False),
        ("user", "Alice", True),
        ("org", "acme", True),
        ("model", "acme/m", True),
        ("user", "bob", False),
    ],
)
def test_a_move_is_told_under_both_names(type: str, name: str, covered: bool) -> None:
    (notice,) = plan_notices(STATE, replace(STATE, repo=replace(REPO, namespace="acme")))
    assert covers({"type": type, "name": name}, notice) is covered


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://localhost/x", True),
        ("http://a.localhost:1/x", True),
        ("https://[::1]/x", True),
        ("http://example.com/x", False),
        ("http://127.0.0.1.example.com/x", False),
        ("http://10.0.0.1/x", False),
        ("http:///x", False),
    ],
)
def test_nobody_else_is_told(url: str, here: bool) -> None:
    assert is_here(url) is here

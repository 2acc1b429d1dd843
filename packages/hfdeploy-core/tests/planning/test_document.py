import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.errors import PlanInvalid
from hfdeploy_core.model import (
    CommitFiles,
    FileEntry,
    Gated,
    HeldSettings,
    Plan,
    PutFile,
    RepoRef,
    RepoType,
    Source,
    Variable,
    Visibility,
)
from hfdeploy_core.planning.digest import digest_plan
from hfdeploy_core.planning.document import read_plan, write_plan

ENTRY = FileEntry("app.py", 3, "1" * 40, None, modified_ns=5)
COMMIT = CommitFiles((PutFile(ENTRY, replaces=False),), ("old.py",), "title")
HELD = HeldSettings(Visibility.PRIVATE, Gated.NONE, "cpu-basic", 60, (), (Variable("A", "1"),))
PLAN = Plan(
    RepoRef(RepoType.SPACE, "alice", "app"),
    "a" * 40,
    (COMMIT,),
    4,
    "c" * 64,
    True,
    Source("./app"),
    held=HELD,
)


@settings(deadline=None)
@given(st.from_type(Plan))
def test_any_plan_survives_being_written_and_read(plan: Plan) -> None:
    read = read_plan(write_plan(plan))
    assert read == plan
    assert write_plan(read) == write_plan(plan)
    assert digest_plan(read) == digest_plan(plan)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [leaf for key, item in items for leaf in _leaves(item, (*path, key))]
    return below or [path]


DOCUMENT = json.loads(write_plan(PLAN))
# Where the source lies is free: what it holds is not.
FIXED = [leaf for leaf in _leaves(DOCUMENT) if leaf[0] != "source"]


@pytest.mark.parametrize("other", ["other", 7, None, False, [], {}])
@pytest.mark.parametrize("leaf", FIXED, ids=lambda leaf: ".".join(map(str, leaf)))
def test_a_plan_that_was_edited_anywhere_is_refused(leaf: tuple[Any, ...], other: object) -> None:
    document = json.loads(write_plan(PLAN))
    place = document
    for key in leaf[:-1]:
        place = place[key]
    if place[leaf[-1]] == other and type(place[leaf[-1]]) is type(other):
        return
    place[leaf[-1]] = other
    with pytest.raises(PlanInvalid) as caught:
        read_plan(json.dumps(document))
    assert caught.value.remedy == PlanInvalid.advice


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no saved plan"),
        ("[]", "no saved plan"),
        ("{}", "no saved plan"),
        ("[" * 100_000, "no saved plan"),
        (json.dumps({**DOCUMENT, "version": 1}), "version 1"),
        (json.dumps({**DOCUMENT, "more": 1}), "what no plan holds"),
        (json.dumps({**DOCUMENT, "base": "b" * 40}), "changed after it was made"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanInvalid, match=says):
        read_plan(text)


def test_version_3_looks_like_this() -> None:
    """Plans that are saved today are read tomorrow: whoever changes this changes VERSION."""
    document = json.loads(write_plan(PLAN))
    assert document.pop("digest") == digest_plan(PLAN)
    assert document == {
        "version": 3,
        "repo": {"type": "space", "namespace": "alice", "name": "app"},
        "base": "a" * 40,
        "changes": [
            {
                "change": "commit_files",
                "puts": [
                    {
                        "entry": {"path": "app.py", "size_bytes": 3, "blob_id": "1" * 40, "sha256": None},
                        "replaces": False,
                    }
                ],
                "deletions": ["old.py"],
                "title": "title",
                "description": "",
                "sdk": None,
                "sdk_before": None,
            }
        ],
        "unchanged_files": 4,
        "content": "c" * 64,
        "is_exact": True,
        "source": {
            "path": "./app",
            "rev": None,
            "include": [],
            "exclude": [],
            "allow_secrets": [],
            "tags": [],
            "card_file": None,
            "front_matter": None,
            "sdk": None,
        },
        "allows_partial": False,
        "most_deletions": None,
        "held": {
            "visibility": "private",
            "gated": "none",
            "hardware": "cpu-basic",
            "sleep_seconds": 60,
            "volumes": [],
            "variables": [{"name": "A", "value": "1"}],
        },
        "restores": None,
        "origin": None,
        "card": None,
        "relay": None,
    }

from pathlib import Path

import pytest

from hfdeploy_core.applying.apply import apply_plan
from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.errors import RepoNotFound
from hfdeploy_core.events import RepoCreated, VisibilityChanged
from hfdeploy_core.model import (
    CreateRepo,
    Plan,
    Provenance,
    RepoRef,
    RepoType,
    Sdk,
    SetVisibility,
    Snapshot,
    Visibility,
)
from hfdeploy_core.testing import FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
EMPTY = Snapshot(Path("unused"), ())


def test_changes_are_made_in_the_plans_order(hub: FakeHub, clock, told, tmp_path) -> None:
    changes = (CreateRepo(None, Sdk.STATIC), SetVisibility(Visibility.PRIVATE, Visibility.PUBLIC))
    applied = apply_plan(
        Plan(SPACE, None, changes),
        EMPTY,
        hub,
        Journal(tmp_path, clock),
        info=None,
        provenance=Provenance(),
        secrets={},
        clock=clock,
        on_event=told.append,
    )
    assert hub.writes == ["create_repo", "set_visibility"]
    assert [type(event) for event in told] == [RepoCreated, VisibilityChanged]
    assert applied.commit == hub.repos[SPACE].commits[-1].id
    assert hub.repos[SPACE].visibility is Visibility.PRIVATE


def test_a_repo_that_vanishes_is_told(hub: FakeHub, clock, told, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(hub, "find_repo", lambda repo: None)
    plan = Plan(SPACE, None, (CreateRepo(None, Sdk.STATIC),))
    with pytest.raises(RepoNotFound):
        apply_plan(
            plan,
            EMPTY,
            hub,
            Journal(tmp_path, clock),
            info=None,
            provenance=Provenance(),
            secrets={},
            clock=clock,
            on_event=told.append,
        )

import pytest

from hfdeploy_janitor.errors import KeyMissing, RuleInvalid
from hfdeploy_janitor.mark import read_mark, verify
from hfdeploy_janitor.minting import clean_run, find_seal, mark
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.rules import INNER_KINDS, RUNNING_KINDS, Kind


@pytest.mark.parametrize("kind", Kind)
def test_a_name_says_who_made_it_and_verifies(kind: Kind) -> None:
    within = "models/alice/repo" if kind in INNER_KINDS else None
    name = mark("alice", kind, run="42", key="k", endpoint="https://hub.test", within=within)
    said = read_mark(name)
    assert said is not None
    assert said.run.startswith("42")
    thing = Thing(kind, "alice", name, "", said.minted_at, None, within=within)
    assert verify(thing, find_seal("k", "https://hub.test")) == said


@pytest.mark.parametrize("kind", RUNNING_KINDS)
def test_what_becomes_a_tag_has_no_dot(kind: Kind) -> None:
    assert "." not in mark("alice", kind, key="k")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"type": "repo"}, "no type"),
        ({"namespace": "al/ice"}, "no namespace"),
        ({"prefix": ""}, "prefix is empty"),
        ({"prefix": "-test"}, "no prefix"),
        ({"ttl": "5000w"}, "ten years"),
        ({"type": "branch"}, "lies within a repo of alice, and nothing is none"),
        ({"type": "tag", "within": "alice/repo"}, "alice/repo is none"),
        ({"type": "tag", "within": "buckets/alice/repo"}, "is none"),
        ({"type": "tag", "within": "models/alice/"}, "is none"),
        ({"type": "pull-request", "within": "models/bob/repo"}, "a repo of alice"),
        ({"type": "model", "within": "models/alice/repo"}, "No model lies within"),
        ({"type": "collection", "run": "0123456789"}, "room for 60 characters"),
    ],
)
def test_a_name_that_would_be_good_for_nothing_is_not_minted(asked: dict[str, str], words: str) -> None:
    with pytest.raises(RuleInvalid, match=words):
        mark(**{"namespace": "alice", "key": "k"} | asked)


def test_no_two_names_are_the_same() -> None:
    assert mark("alice", key="k") != mark("alice", key="k")


@pytest.mark.parametrize(
    ("run", "cleaned"),
    [("Release 1.2/x", "release12x"), ("x" * 30, "x" * 16), ("---", "local"), (None, "7")],
)
def test_a_run_is_written_as_a_name_can_hold_it(
    run: str | None, cleaned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    assert clean_run(run) == cleaned


def test_an_empty_key_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFDEPLOY_JANITOR_KEY", " ")
    with pytest.raises(KeyMissing):
        find_seal()

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.errors import ManifestInvalid
from hfdeploy_core.manifest.building import build_manifest
from hfdeploy_core.manifest.node import Node, Position, find_node, strip
from hfdeploy_core.manifest.overlays import choose_profile, overlay
from hfdeploy_core.manifest.reading import read_yaml

NOWHERE = Position("f", 1, 1)
TEXT = """\
version: 1
defaults:
  visibility: private
  hardware: cpu-basic
  variables: {A: default, B: default}
targets:
  app:
    type: space
    repo: alice/app
    source: ./app
    variables: {B: target}
  m: {type: model, repo: alice/m, source: ./m, visibility: public}
profiles:
  staging:
    defaults: {hardware: t4-small}
    targets:
      app: {repo: alice/app-staging, variables: {B: staging, C: staging}}
      extra: {type: dataset, repo: alice/extra, source: ./m}
"""

leaves = st.one_of(st.integers(0, 9), st.none(), st.lists(st.integers(0, 9), max_size=2))
keys = st.sampled_from("abc")
trees = st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8)


def make(value: object) -> Node:
    if isinstance(value, dict):
        return Node({key: make(inner) for key, inner in value.items()}, NOWHERE)
    if isinstance(value, list):
        return Node(tuple(make(inner) for inner in value), NOWHERE)
    return Node(value, NOWHERE)  # type: ignore[arg-type]


def leaves_of(value: object, place: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    if not isinstance(value, dict) or not value:
        return {place: value}
    return {k: v for key, inner in value.items() for k, v in leaves_of(inner, (*place, key)).items()}


@settings(deadline=None)
@given(trees, trees)
def test_what_is_laid_over_wins_and_everything_else_stays(base: object, over: object) -> None:
    merged = strip(overlay(make(base), make(over)))
    told = leaves_of(merged)
    above, below = leaves_of(over), leaves_of(base)
    if isinstance(over, dict) and isinstance(base, dict):
        for place, value in above.items():
            assert value == {} or told[place] == value
        for place, value in told.items():
            assert above.get(place) == value or below.get(place) == value
        assert base.keys() | over.keys() == set(merged)
    else:
        assert merged == over


@settings(deadline=None)
@given(trees, trees, trees)
def test_it_does_not_matter_what_is_merged_first(a: object, b: object, c: object) -> None:
    if all(isinstance(tree, dict) for tree in (a, b, c)):
        left = overlay(overlay(make(a), make(b)), make(c))
        right = overlay(make(a), overlay(make(b), make(c)))
        # A mapping that takes the place of another value is the one case that differs.
        if strip(left) != strip(right):
            assert any(not isinstance(value, dict) for value in [*leaves_of(b).values()])
    assert strip(overlay(make(a), make(a))) == a


def test_defaults_hold_where_the_type_knows_them_and_the_target_wins() -> None:
    targets = build_manifest(read_yaml(TEXT, "f")).targets
    assert targets["app"].options == {
        "repo_type": "space",
        "visibility": "private",
        "hardware": "cpu-basic",
        "variables": {"A": "default", "B": "target"},
    }
    assert targets["m"].options == {"repo_type": "model", "visibility": "public"}


def test_a_profile_is_laid_over_targets_and_defaults_and_may_add_some() -> None:
    targets = build_manifest(read_yaml(TEXT, "f"), "staging").targets
    assert (targets["app"].repo, targets["app"].options["hardware"]) == ("alice/app-staging", "t4-small")
    assert targets["app"].options["variables"] == {"A": "default", "B": "staging", "C": "staging"}
    assert list(targets) == ["app", "m", "extra"]


def test_what_a_profile_says_stands_where_it_says_it() -> None:
    root = choose_profile(read_yaml(TEXT, "f"), "staging")
    assert str(find_node(root, ("targets", "app", "repo")).at) == "f:17:19"
    text = TEXT.replace("repo: alice/app-staging", "visibility: privat")
    with pytest.raises(ManifestInvalid, match="f:17:25: 'visibility' cannot be 'privat'"):
        build_manifest(read_yaml(text, "f"))


def test_an_unknown_profile_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(ManifestInvalid, match="f:13:1: there is no profile 'stagin'; did you mean 'sta"):
        build_manifest(read_yaml(TEXT, "f"), "stagin")
    with pytest.raises(ManifestInvalid, match=r"f:1:1: there is no profile 'x'\. "):
        build_manifest(read_yaml("version: 1\ntargets: {}", "f"), "x")

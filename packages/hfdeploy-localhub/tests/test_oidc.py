import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.oidc import Publisher, decide_publisher, parse_resource

words = st.dictionaries(st.sampled_from(["repository", "ref", "environment"]), st.sampled_from(["a", "b"]))


@given(words, words)
def test_a_publisher_matches_by_every_one_of_its_claims(wanted: dict[str, str], told: dict[str, str]) -> None:
    found = decide_publisher([Publisher(1, wanted)], told)
    assert (found is not None) == (bool(wanted) and wanted.items() <= told.items())


@pytest.mark.parametrize(
    ("text", "repo"),
    [
        ("me/app", ("model", "me", "app")),
        ("spaces/me/app", ("space", "me", "app")),
        ("datasets/me/d", ("dataset", "me", "d")),
    ],
)
def test_resources(text: str, repo: tuple[str, str, str]) -> None:
    assert parse_resource(text) == repo


@pytest.mark.parametrize("text", ["", "me", "a/b/c", "spaces/a/b/c", "/a", "a/"])
def test_what_is_no_repo(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_resource(text)

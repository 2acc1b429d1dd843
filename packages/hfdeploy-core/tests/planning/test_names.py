import pytest
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import RepoNameInvalid
from hfdeploy_core.planning.names import parse_repo_id


@pytest.mark.parametrize("text", ["alice/my-app", "a/b", "Org_1/name.v2", "alice/" + "x" * 90])
def test_a_full_id_is_split(text: str) -> None:
    assert "/".join(part for part in parse_repo_id(text) if part) == text


def test_a_bare_name_has_no_namespace() -> None:
    assert parse_repo_id("app") == (None, "app")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a/",
        "/b",
        "a/b/c",
        "a b",
        "a/-b",
        "a/b.",
        "a/b--c",
        "a/b..c",
        "a/b.git",
        "ä/b",
        "a/b\n",
        "a/" + "x" * 96,
    ],
)
def test_what_the_hub_refuses_is_refused(text: str) -> None:
    with pytest.raises(RepoNameInvalid):
        parse_repo_id(text)


@given(st.text("aZ0-_./ é\n", max_size=12))
def test_nothing_passes_that_the_hubs_client_refuses(text: str) -> None:
    try:
        parse_repo_id(text)
    except RepoNameInvalid:
        return
    try:
        validate_repo_id(text)
    except HFValidationError:
        pytest.fail(f"{text!r} passed")

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.cards import check_card, list_tags, read_card


def test_front_matter_is_read() -> None:
    card = read_card("\n\n---\nlicense: mit\ntags: [a, b]\ndate: 2026-01-02\n---\n# x\n")
    assert card.data == {"license": "mit", "tags": ["a", "b"], "date": "2026-01-02"}
    assert list_tags(card) == ["a", "b", "license:mit"]
    assert check_card(card, "model") == ([], [])


@pytest.mark.parametrize("readme", ["", "# x", "text\n---\na: 1\n---\n"])
def test_no_front_matter_is_a_warning(readme: str) -> None:
    card = read_card(readme)
    assert not card.present
    assert check_card(card, "model")[1]


NAMES = "abcdefgh"
LAUGHS = [f"{name}: &{name} [{','.join([f'*{inner}'] * 9)}]" for inner, name in pairwise(NAMES)]


@pytest.mark.parametrize(
    "matter",
    ["a: [", "- a", "a: " + "[" * 500, "date: 2026-02-30", "a: &b {c: *b}", "\n".join(["a: &a x", *LAUGHS])],
    ids=["broken", "list", "deep", "no date", "circle", "laughs"],
)
def test_unreadable_front_matter_is_an_error(matter: str) -> None:
    assert check_card(read_card(f"---\n{matter}\n---\n"), "model")[0]


def test_a_card_is_what_json_can_hold() -> None:
    card = read_card("---\na: [.nan, -.inf, 1.5]\nb: !!set {x}\n---\n")
    assert card.data == {"a": [None, None, 1.5], "b": "{'x'}"}


def test_a_model_index_must_be_a_list() -> None:
    assert check_card(read_card("---\nmodel-index: foo\n---\n"), "model")[0]
    assert not check_card(read_card("---\nmodel-index: foo\n---\n"), "dataset")[0]


def test_a_space_needs_an_sdk_it_can_run() -> None:
    assert check_card(read_card("---\nsdk: cobol\n---\n"), "space")[0]
    assert not check_card(read_card("---\nsdk: docker\n---\n"), "space")[0]


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    card = read_card(f"---\n{text}\n---\n")
    assert isinstance(card.data, dict)
    assert card.error is None or card.error.startswith("The metadata is not")

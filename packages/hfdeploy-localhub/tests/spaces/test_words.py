import contextlib
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.spaces.words import expand, split_words

VARIABLES = {"A": "1", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A ${A}", "1 1"),
        ("$B|${B}", "|"),
        ("${B:-x} ${A:-x} ${EMPTY:-x}", "x 1 x"),
        ("${A:+x}${B:+x}", "x"),
        ("${B:-$A}", "1"),
        ("$ 5$", "$ 5$"),
    ],
)
def test_variables(text: str, expanded: str) -> None:
    assert expand(text, VARIABLES) == expanded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b", ["a", "b"]),
        ("K=\"a b\" L='$A' M=$A", ["K=a b", "L=$A", "M=1"]),
        (r"a\ b \$A", ["a b", "$A"]),
        ('"x \\"y\\" $A"', ['x "y" 1']),
        ('""', [""]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split_words(text, VARIABLES) == words


def test_an_open_quote_is_an_error() -> None:
    with pytest.raises(ValueError, match="never closed"):
        split_words('a "b', {})


@given(st.lists(st.text(alphabet="ab '\\\"$#é", min_size=1)))
def test_quoting_is_undone(words: list[str]) -> None:
    assert split_words(" ".join(shlex.quote(word) for word in words), {}) == words


@given(st.text(alphabet="a'\"\\${}:-+ "))
def test_any_text_is_words_or_an_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert len(split_words(text, VARIABLES)) <= len(text)

from pathlib import Path

import pytest

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.source.card import parse_card, read_card


@pytest.mark.parametrize(
    "text",
    [
        "---\nsdk: docker\n---\n# App",
        "\n\n---\nsdk: docker\n---",
        "---\r\nsdk: docker\r\n---\r\n",
        "---  \ntitle: a\nsdk: docker\n---  \n---\nsdk: static\n---\n",
    ],
)
def test_the_sdk_is_read_from_the_front_matter(text: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(text.encode())
    assert read_card(tmp_path / "README.md").sdk == "docker"


@pytest.mark.parametrize("text", ["# App", "", "text\n---\nsdk: docker\n---\n", "---\nsdk: docker\n"])
def test_no_front_matter_is_told_apart_from_one_without_sdk(text: str) -> None:
    card = parse_card(text)
    assert (card.has_front_matter, card.sdk) == (False, None)
    assert parse_card("---\n---\n").has_front_matter


@pytest.mark.parametrize("yaml", ["a: [", "- a\n- b", "just text", "a: b: c"])
def test_front_matter_that_is_no_mapping_is_refused(yaml: str) -> None:
    with pytest.raises(CardInvalid):
        parse_card(f"---\n{yaml}\n---\n")


@pytest.mark.parametrize("yaml", ["date: 2026-02-30", "a: " + "[" * 500])
def test_front_matter_that_python_does_not_read_is_refused(yaml: str) -> None:
    with pytest.raises(CardInvalid, match="cannot be read"):
        parse_card(f"---\n{yaml}\n---\n")


def test_the_line_of_a_mistake_is_told() -> None:
    with pytest.raises(CardInvalid, match="line 3"):
        parse_card("---\ntitle: a\nb: c: d\n---\n")


def test_a_readme_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xff\xfe")
    with pytest.raises(CardInvalid, match="UTF-8"):
        read_card(tmp_path / "README.md")

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.model import Source
from hfdeploy_core.source.card import parse_card
from hfdeploy_core.source.opening import open_source
from hfdeploy_core.source.overlay import merge_card

KEYS = st.sampled_from(["title", "sdk", "emoji", "tags", "pinned", "sdk_version"])
VALUES = st.one_of(
    st.booleans(),
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=5),
    st.sampled_from(["5.10", "---", "no", "🚀", "# x"]),
    st.lists(st.sampled_from("ab")),
)
FIELDS = st.dictionaries(KEYS, VALUES, max_size=4)


def write_yaml(fields: dict) -> str:
    return yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)


@given(st.one_of(st.none(), FIELDS), FIELDS, st.sampled_from(["", "# An app\n\n---\nrest"]))
def test_what_the_card_says_wins_and_all_else_stays(own, asked, body: str) -> None:
    readme = body if own is None else f"---\n{write_yaml(own)}---\n{body}"
    merged = merge_card(readme, write_yaml(asked))
    card = parse_card(merged)
    assert {field.name: field.value for field in card.fields} == {**(own or {}), **asked}
    assert merged.endswith(f"---\n{body}")
    assert merge_card(merged, write_yaml(asked)) == merge_card(merged, f"---\n{write_yaml(asked)}---\n")


def test_values_stay_as_they_are_written() -> None:
    merged = merge_card("---\nsdk_version: 4.10\nemoji: 🚀\na: {b: [1, 2]}\n---\n# x\n", "sdk: 'gradio'\n")
    assert merged == "---\nsdk_version: 4.10\nemoji: 🚀\na: {b: [1, 2]}\nsdk: 'gradio'\n---\n# x\n"


@pytest.mark.parametrize(("matter", "says"), [("a: [", "line"), ("- a", "mapping"), ("a: b: c", "line 1")])
def test_a_card_that_is_none_is_refused_by_its_name(matter: str, says: str) -> None:
    with pytest.raises(CardInvalid, match=says) as caught:
        merge_card("# x", matter, "card.yaml")
    assert caught.value.file == "card.yaml"
    assert "card.yaml" in caught.value.message


def test_a_readme_is_made_where_there_is_none_and_the_cards_file_is_left_out(write, tmp_path: Path) -> None:
    root = write({"app.py": "x", "conf/the [card].yaml": "sdk: static\n"})
    source = Source(str(root), card_file=str(root / "conf/the [card].yaml"))
    with open_source(source, tmp_path / "state") as opened:
        assert [entry.path for entry in opened.snapshot.entries] == ["README.md", "app.py"]
        place = opened.snapshot.entries[0].locate(root)
        assert place.read_text() == "---\nsdk: static\n---\n"
    assert not place.exists()
    assert not (root / "README.md").exists()


def test_a_card_may_be_given_as_text(write, tmp_path: Path) -> None:
    with open_source(
        Source(str(write({"README.md": "# x"})), front_matter="sdk: docker\n"), tmp_path
    ) as opened:
        (entry,) = opened.snapshot.entries
        assert entry.locate(opened.snapshot.root).read_text() == "---\nsdk: docker\n---\n# x"

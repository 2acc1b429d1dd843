import pytest

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.source.card import parse_card
from hfdeploy_core.source.scan import scan
from hfdeploy_core.source.tagging import add_tags, tag_card

TAG = "expires-2026-11-25T00:00Z"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("---\nsdk: docker\n---\n# App\n", f'---\nsdk: docker\ntags:\n- "{TAG}"\n---\n# App\n'),
        (
            "---\ntags: [a, b]  # mine\nsdk: docker\n---\n",
            f'---\ntags:\n- "a"\n- "b"\n- "{TAG}"\n  # mine\nsdk: docker\n---\n',
        ),
        (
            "---\ntags:\n  - a\n  - b\nsdk: docker\n---\n",
            f'---\ntags:\n- "a"\n- "b"\n- "{TAG}"\nsdk: docker\n---\n',
        ),
        ("---\nsdk: docker\ntags:\n- a\n---\n", f'---\nsdk: docker\ntags:\n- "a"\n- "{TAG}"\n---\n'),
        ("---\ntags:\nsdk: docker\n---\n", f'---\ntags:\n- "{TAG}"\nsdk: docker\n---\n'),
        (f'---\ntags:\n- "{TAG}"\n---\n', f'---\ntags:\n- "{TAG}"\n---\n'),
    ],
)
def test_a_tag_is_added_and_the_rest_stays(before: str, after: str) -> None:
    import yaml

    assert add_tags(before, [TAG]) == after
    matter = yaml.safe_load(after.split("---")[1])
    assert TAG in matter["tags"]
    assert parse_card(after).has_front_matter


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# App\n", "no front matter"),
        ("---\ntags: 1\n---\n", "not a list"),
        ("---\n- a\n---\n", "not a list"),
        ("---\na: [\n---\n", "not valid YAML"),
    ],
)
def test_what_cannot_be_tagged(text: str, says: str) -> None:
    with pytest.raises(CardInvalid, match=says):
        add_tags(text, [TAG])


def test_only_the_card_is_another_one(write) -> None:
    root = write({"README.md": "---\nsdk: docker\n---\n", "app.py": "1"})
    snapshot = scan(root)
    with tag_card(snapshot, [TAG]) as tagged:
        card, app = tagged.entries
        assert TAG in card.locate(root).read_text()
        assert app == snapshot.entries[1]
        assert card.blob_id != snapshot.entries[0].blob_id
    assert "tags" not in (root / "README.md").read_text()
    with tag_card(snapshot, []) as same:
        assert same is snapshot


def test_without_a_card_there_is_nothing_to_tag(write) -> None:
    with pytest.raises(CardInvalid, match="has no README"), tag_card(scan(write({"a": "1"})), [TAG]):
        pass

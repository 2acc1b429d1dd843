import pytest

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.source.card import parse_card
from hfdeploy_core.source.tagging import add_tags, drop_tags

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
        ("---\ndate: 2026-02-30\n---\n", "not valid YAML"),
    ],
)
def test_what_cannot_be_tagged(text: str, says: str) -> None:
    with pytest.raises(CardInvalid, match=says):
        add_tags(text, [TAG])


@pytest.mark.parametrize(
    "text",
    [
        "---\nsdk: docker\n---\n# App\n",
        '---\nsdk: docker\ntags:\n- "a"\n---\n',
        '---\ntags:\n- "a"\n- "b"\nsdk: docker\n---\n',
    ],
)
def test_a_tag_that_was_added_goes_without_a_trace(text: str) -> None:
    assert drop_tags(add_tags(text, [TAG]), "expires-") == text
    assert drop_tags(text, "expires-") == text


def test_only_tags_that_begin_so_go() -> None:
    text = f"---\ntags: [not-expires-, {TAG}, 1]  # mine\nsdk: docker\n---\n"
    left = '---\ntags:\n- "not-expires-"\n- 1\n  # mine\nsdk: docker\n---\n'
    assert drop_tags(text, "expires-") == left

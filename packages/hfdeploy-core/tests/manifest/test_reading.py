import pytest

from hfdeploy_core.errors import ManifestInvalid
from hfdeploy_core.manifest.node import Position, find_node, strip
from hfdeploy_core.manifest.reading import read_yaml

TEXT = """\
version: 1
base: &base
  message: a text
targets:
  app:
    <<: *base
    since: 2026-01-01
    parts: [1, "two", {deep: yes}]
"""


def test_values_are_those_of_yaml_and_dates_are_texts() -> None:
    assert strip(read_yaml(TEXT, "f")) == {
        "version": 1,
        "base": {"message": "a text"},
        "targets": {"app": {"message": "a text", "since": "2026-01-01", "parts": [1, "two", {"deep": True}]}},
    }
    assert strip(read_yaml("# nothing\n", "f")) == {}


def test_every_value_knows_its_place_and_that_of_its_key() -> None:
    deep = find_node(read_yaml(TEXT, "f"), ("targets", "app", "parts", 2, "deep"))
    assert (deep.at, deep.key_at) == (Position("f", 8, 30), Position("f", 8, 24))
    # What an alias brings stands where it was written.
    assert str(find_node(read_yaml(TEXT, "f"), ("targets", "app", "message")).at) == "f:3:12"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: [", "f:2:5: this is no YAML: expected the node content, but found '<stream end>'."),
        ("a: 1\n  b: 2", "f:2:4: this is no YAML: mapping values are not allowed here."),
        ("a: \0", "f:1:1: this is no YAML: it holds characters that YAML does not allow."),
        ("a:\n  b: 1\n  b: 2", "f:3:3: 'b' is there twice."),
        ("? [x]\n: 1", "f:1:3: a key must be a word."),
        ("a: &a\n  b: *a", "f:1:4: this holds itself."),
        ("a:\n  <<: 3", "f:2:3: expected a mapping or list of mappings for merging, but found scalar."),
    ],
)
def test_what_cannot_be_read_is_told_with_line_and_column(text: str, told: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        read_yaml(text, "f")
    assert caught.value.message == told


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    with pytest.raises(ManifestInvalid, match="far too large"):
        read_yaml("\n".join(lines), "f")

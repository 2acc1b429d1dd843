import json
from pathlib import Path

import pytest

from hfdeploy_janitor.configuration import PolicyFile, load_policy, read_policy
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.rules import Kind, Policy, Rule

ROOT = Path(__file__).parents[3]
GOOD = """\
rules:
  - namespace: me
    prefix: hfdeploy-test-
    ttl: 6h
  - namespace: acme
    prefix: ci-
    ttl: 2d
    types: [space, model]
    marked: true
protect:
  - ci-golden
  - acme/ci-golden-*
min_age: 2h
max_deletes: 50
max_percent: 20
"""


def test_a_file_becomes_a_policy() -> None:
    assert read_policy(GOOD, "janitor.yaml") == Policy(
        (
            Rule("me", "hfdeploy-test-", 21600.0),
            Rule("acme", "ci-", 172800.0, (Kind.MODEL, Kind.SPACE), marked=True),
        ),
        ("ci-golden", "acme/ci-golden-*"),
        7200.0,
        50,
        20.0,
    )


def test_what_is_left_out_is_the_command_lines_default() -> None:
    short = "rules: [{namespace: me, prefix: a-, ttl: 6h}]"
    assert read_policy(short, "x") == Policy((Rule("me", "a-", 21600.0),))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_deletes: 50", "max_delete: 50", "line 14: max_delete is no key"),
        ("max_deletes: 50", "max_deletes: -1", "line 14: max_deletes"),
        ("max_deletes: 50", 'max_deletes: "50"', "line 14: max_deletes"),
        ("    ttl: 6h\n", "", "line 2: rules.0.ttl is missing"),
        ("ttl: 2d", "ttl: 2", "line 7: rules.1.ttl is no duration"),
        ("ttl: 2d", "ttl: 2 days", "line 7: rules.1.ttl is no duration"),
        ("types: [space, model]", "types: [space, modle]", r"line 8: rules.1.types.1"),
        ("types: [space, model]", "types: []", r"line 8: rules.1.types"),
        ("marked: true", "marked: yes please", r"line 9: rules.1.marked"),
        ("min_age: 2h", "protect: []", "line 13: protect is there twice"),
        ("prefix: ci-", "prefix: ''", "line 5: A prefix is empty: that would be the whole namespace"),
        ("ttl: 6h", "ttl: 1h", "line 2: The ttl of me/hfdeploy-test-. is shorter than the minimum age"),
        ("types: [space, model]\n    marked: true", "types: [branch]", "line 5: .* go by their marks alone"),
        ("- ci-golden", "- ' '", "line 10: A pattern to protect is empty"),
        ("max_percent: 20", "quarantine: 0s", "line 15: A quarantine of no time is none"),
        ("ttl: 2d", "ttl: 9999w", "line 7: '9999w' is longer than ten years"),
        ("max_deletes: 50", "? {a: 1}\n: 2", "line 14: a key is no word"),
        ("max_deletes: 50", "x: &x [*x]", "line 14: x is no key"),
        ("types: [", "types: {", "line 8 is no YAML"),
        (GOOD, "", "line 1: the file is no mapping"),
        (GOOD, "- a list", "line 1: the file is no mapping"),
        (GOOD, "rules: []", "line 1: rules"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(RuleInvalid, match=words):
        read_policy(GOOD.replace(old, new), "janitor.yaml")


def test_all_that_the_schema_refuses_is_told_at_once() -> None:
    text = "max_deletes: -1\nrules:\n  - namespace: me\n    prefx: a-\n    ttl: 6\n"
    with pytest.raises(RuleInvalid) as caught:
        read_policy(text, "janitor.yaml")
    places = [line.partition(":")[0] for line in caught.value.message.splitlines()]
    assert places == [f"janitor.yaml, line {line}" for line in (1, 3, 4, 5)]
    assert "line 3: rules.0.prefix is missing." in caught.value.message
    assert "line 4: rules.0.prefx is no key that is known." in caught.value.message


def test_aliases_are_looked_at_once() -> None:
    """Each line doubles what there is to look at, for whoever follows every alias."""
    bomb = "".join(f"a{number}: &a{number} [*a{number - 1}, *a{number - 1}]\n" for number in range(1, 40))
    with pytest.raises(RuleInvalid, match="a0 is no key"):
        read_policy(f"{GOOD}a0: &a0 [x]\n{bomb}", "janitor.yaml")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuleInvalid, match="cannot be read"):
        load_policy(tmp_path / "janitor.yaml")


def test_the_schema_in_the_docs_is_this_one() -> None:
    assert json.loads((ROOT / "docs/janitor.schema.json").read_text()) == PolicyFile.model_json_schema()

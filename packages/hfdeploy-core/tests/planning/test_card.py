import pytest

from hfdeploy_core.model import RepoType
from hfdeploy_core.planning.card import COLORS, find_card_faults
from hfdeploy_core.source.card import parse_card

GOOD = """---
title: "Demo"
emoji: 🚀
colorFrom: blue
colorTo: gray
sdk: gradio
sdk_version: 5.4.0
python_version: "3.12"
app_file: src/app.py
app_port: 7860
pinned: false
tags: [a, b]
anything: {else: 1}
---
# Demo
"""


def find(text: str, repo_type: RepoType = RepoType.SPACE) -> list[tuple[int | None, str]]:
    faults = find_card_faults(parse_card(text), repo_type, {"src/app.py"})
    return [(fault.line, fault.message) for fault in faults]


def test_nothing_is_wrong_with_a_good_card() -> None:
    assert find(GOOD) == []


@pytest.mark.parametrize("color", COLORS)
def test_every_color_of_the_hub_is_one(color: str) -> None:
    assert find(f"---\ncolorTo: {color}\n---\n") == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("colorFrom: Blue", "'Blue'"),
        ("colorTo: [red]", "['red']"),
        ("sdk_version: 4.10", "4.1,"),
        ("title: [a]", "no text"),
        ("emoji:", "None"),
        ("app_port: '80'", "'80'"),
        ("app_port: 0", "'0'"),
        ("app_port: true", "'true'"),
        ("app_file: other.py", "not deployed"),
        ("app_file: [a]", "no text"),
        ("pinned: 1", "'1'"),
    ],
)
def test_a_fault_is_told_with_its_line(line: str, says: str) -> None:
    ((number, message),) = find(f"\n---\nlicense: mit\n{line}\n---\n")
    assert number == 4
    assert says in message
    assert "line 4" in message


def test_all_faults_are_told_and_only_those_of_the_type() -> None:
    text = "---\ncolorFrom: teal\nlicense: a\napp_port: no\nlicense: b\n---\n"
    assert [line for line, _ in find(text)] == [2, 4, 5]
    assert [line for line, _ in find(text, RepoType.MODEL)] == [5]

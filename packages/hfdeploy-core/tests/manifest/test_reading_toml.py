import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.errors import ManifestInvalid
from hfdeploy_core.manifest.building import build_manifest
from hfdeploy_core.manifest.node import find_node, strip
from hfdeploy_core.manifest.reading_toml import has_table, read_toml

TEXT = """\
[project]
name = "x"

[tool.hfdeploy]
version = 1

[tool.hfdeploy.targets.m]
type = "model"
repo = "alice/m"
source = "./m"

[tool.hfdeploy.targets."app"]
type = "space"
repo = "alice/app"
source = "./app"
variables = { STAGE = "live" }
gate.wait_seconds = 60

[[tool.hfdeploy.steps.after]]
type = "run"
command = ["a", "b"]

[[tool.hfdeploy.steps.after]]
type = "http"
url = "https://${targets.app.host}"
"""


def test_it_means_what_the_same_yaml_means() -> None:
    manifest = build_manifest(read_toml(TEXT, "pyproject.toml"))
    assert list(manifest.targets) == ["m", "app"]
    assert manifest.targets["app"].options["variables"] == {"STAGE": "live"}
    assert [step.kind for step in manifest.steps.after] == ["run", "http"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('repo = "alice/m"', "rpo = 3", "9:1: there is no key 'rpo' here; did you mean 'repo'?"),
        ('repo = "alice/m"', "repo = 3", "9:8: 'repo' must be a text: put it in quotes."),
        (
            '[tool.hfdeploy.targets."app"]',
            "[tool.hfdeploy.targets.app.x]",
            "12:2: 'type' is missing; there are dataset, model, relay, space.",
        ),
        ('STAGE = "live"', "STAGE = 3", "16:13: 'STAGE' must be a text: put it in quotes."),
        (
            "gate.wait_seconds = 60",
            "gate.wait = 60",
            "17:1: there is no key 'wait' here; did you mean 'wait_seconds'?",
        ),
        ("url = ", "ulr = ", "25:1: there is no key 'ulr' here; did you mean 'url'?"),
        ("targets.app.host", "targets.ap.host", "25:7: there is no target 'ap'; did you mean 'app'?"),
        ("version = 1", "version = = 1", "5:11: this is no TOML: invalid value."),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(old: str, new: str, told: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        build_manifest(read_toml(TEXT.replace(old, new), "pyproject.toml"))
    assert f"pyproject.toml:{told}" in caught.value.message.splitlines()


def test_only_a_pyproject_with_the_table_holds_one() -> None:
    assert has_table(TEXT)
    assert not has_table("[tool.hfdeploy-localhub]\n[tool.other]\n# [tool.hfdeploy]\n")


values = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.text("ab =[]#\n", max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.text("ab. ", min_size=1, max_size=3), inner, max_size=3),
    ),
    max_leaves=8,
)


def write(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {write(inner)}" for key, inner in value.items()) + " }"
    return f"[{', '.join(map(write, value))}]" if isinstance(value, list) else json.dumps(value)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["x", "y", "z w"]), values, max_size=3))
def test_every_value_is_read_and_stands_somewhere(content: dict) -> None:
    text = "".join(f"{json.dumps(key)} = {write(value)}\n" for key, value in content.items())
    root = read_toml(text, "f.toml")
    assert strip(root) == content
    lines = text.splitlines()
    for key in content:
        at = find_node(root, (key,)).key_at
        assert at is not None
        assert 1 <= at.line <= max(len(lines), 1)

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hfdeploy_core import api, project
from hfdeploy_core.errors import PluginInvalid, ValueMissing
from hfdeploy_core.redact import MASK, redact
from hfdeploy_core.running import registry
from hfdeploy_core.running.registry import GROUP, Registry
from hfdeploy_core.testing import FakeHub

CODE = """
from pydantic import BaseModel
from hfdeploy_core.api import StepFailed, register_connector, register_step

class Asked(BaseModel):
    word: str
    times: int = 1

def shout(asked, context):
    context.tell(asked.word.upper() * asked.times)

def find(words, context):
    if words == "nothing":
        return ""
    return f"found {words} in {context.folder.name}" if words != "none" else {}[words]

def register():
    register_step("shout", model=Asked, run=shout, api_version=1)
    register_connector("vault", find=find, api_version=1)

def register_for_another():
    register_step("shout", model=Asked, run=shout, api_version=2)
"""
HEAD = "version: 1\ntargets: {}\nsteps:\n  before:\n"


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three plugins: one that is well, one for another version, one that is broken."""
    (tmp_path / "plugin_of_this_test.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    entries = [
        EntryPoint("mine", "plugin_of_this_test:register", GROUP),
        EntryPoint("old", "plugin_of_this_test:register_for_another", GROUP),
        EntryPoint("torn", "plugin_of_this_test:nothing", GROUP),
    ]
    monkeypatch.setattr(registry, "REGISTRY", Registry(lambda: entries))
    yield
    sys.modules.pop("plugin_of_this_test", None)


def load(tmp_path: Path, text: str, **options: object) -> project.Project:
    (tmp_path / "hfdeploy.yaml").write_text(text)
    return project.load_project(tmp_path / "hfdeploy.yaml", **options)  # type: ignore[arg-type]


def test_the_surface_is_pinned() -> None:
    assert api.__all__ == [
        "API_VERSION",
        "Connector",
        "ConnectorContext",
        "StepContext",
        "StepFailed",
        "StepKind",
        "list_connectors",
        "list_steps",
        "register_connector",
        "register_step",
    ]


def test_what_there_is_is_listed_with_what_cannot_be_used() -> None:
    assert api.list_steps() == ("archive", "http", "mine.shout", "notify", "python", "run")
    assert api.list_connectors() == ("cmd", "env", "file", "git", "mine.vault", "targets")
    mine, old, torn = registry.list_plugins()
    assert (mine.steps, mine.connectors, mine.fault) == (("mine.shout",), ("mine.vault",), None)
    assert old.fault is not None
    assert "version 2 of the API" in old.fault
    assert torn.fault is not None
    assert "AttributeError" in torn.fault


def test_a_manifest_uses_them(tmp_path: Path, hub: FakeHub, told: list) -> None:
    step = "    - {type: mine.shout, arguments: {word: '${mine.vault:words}'}}\n"
    loaded = load(tmp_path, HEAD + step)
    plan = project.plan_project(loaded, hub=hub)
    project.apply_project(plan, hub=hub, on_event=told.append)
    assert [event.text for event in told if event.name == "step_told"] == [
        f"FOUND WORDS IN {tmp_path.name.upper()}"
    ]
    assert redact(f"found words in {tmp_path.name}") == MASK


def test_a_plugin_is_loaded_only_where_it_is_named(tmp_path: Path) -> None:
    load(tmp_path, "version: 1\ntargets: {}\n")
    assert "plugin_of_this_test" not in sys.modules
    load(tmp_path, HEAD + "    - {type: mine.shout, arguments: {word: x}}\n")
    assert "plugin_of_this_test" in sys.modules


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("mine.shuot", "5:7: There is no step 'mine.shuot'; did you mean 'mine.shout'?"),
        ("mime.shout", "5:7: There is no plugin 'mime'; did you mean 'mine'?"),
        ("old.shout", "5:7: The plugin 'old' cannot be used: PluginInvalid: old is made for version 2"),
        ("torn.shout", "5:7: The plugin 'torn' cannot be used: AttributeError"),
        ("mine.shout, arguments: {wrod: x}", "5:7: mine.shout: word: Field required."),
        (
            "mine.shout, arguments: {word: x, times: y}",
            "5:7: mine.shout: times: Input should be a valid integer",
        ),
    ],
)
def test_what_is_wrong_with_a_plugins_step_is_told_with_its_place(
    tmp_path: Path, step: str, told: str
) -> None:
    with pytest.raises(PluginInvalid) as caught:
        load(tmp_path, HEAD + f"    - {{type: {step}}}\n")
    assert f"hfdeploy.yaml:{told}" in str(caught.value)


def test_a_profile_can_refuse_all_that_it_does_not_name(tmp_path: Path) -> None:
    step = "    - {type: mine.shout, arguments: {word: '${mine.vault:x}'}}\n"
    text = HEAD + step + "profiles: {strict: {allow_plugins: [other]}}\n"
    load(tmp_path, text)
    for check in (
        lambda: load(tmp_path, text, profile="strict"),
        lambda: project.validate(tmp_path / "hfdeploy.yaml"),
    ):
        with pytest.raises(PluginInvalid, match="The plugin 'mine' is not allowed here"):
            check()


def test_a_connector_that_finds_nothing_is_told_with_its_place(tmp_path: Path, hub: FakeHub) -> None:
    for words, told in (("nothing", "nothing was found"), ("none", "'none'")):
        text = HEAD + f"    - {{type: mine.shout, arguments: {{word: '${{mine.vault:{words}}}'}}}}\n"
        with pytest.raises(ValueMissing) as caught:
            project.plan_project(load(tmp_path, text), hub=hub)
        assert f"hfdeploy.yaml:5:44: ${{mine.vault:{words}}}: {told}" in str(caught.value)


def test_nobody_registers_out_of_turn() -> None:
    with pytest.raises(PluginInvalid, match="by plugins only"):
        api.register_step("x", model=registry.RunFile, run=lambda asked, context: None, api_version=1)

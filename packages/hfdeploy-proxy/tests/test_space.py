"""The relay's Space as plain values; that it runs is shown by tests/test_relay_space.py."""

import json
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import hfdeploy_proxy
from hfdeploy_proxy.settings import SettingsInvalid
from hfdeploy_proxy.space import MARKER_FILE, MARKER_VARIABLE, find_target, plan_space

PACKAGE = Path(hfdeploy_proxy.__file__).parent


def test_it_holds_the_package_itself() -> None:
    planned = plan_space("me/app").files
    for file in PACKAGE.rglob("*.py"):
        assert planned[f"hfdeploy_proxy/{file.relative_to(PACKAGE).as_posix()}"] == file.read_bytes()
    assert not [path for path in planned if "__pycache__" in path]
    assert {"Dockerfile", "README.md", "requirements.txt", MARKER_FILE} < planned.keys()
    assert b'title: "Relay of me/app"' in planned["README.md"]


def test_the_same_settings_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = plan_space("me/app", allow_origins="https://a.com, https://b.com", allow_credentials=True)
    monkeypatch.setenv("TARGET_URL", "http://elsewhere")
    again = plan_space("me/app", allow_origins="https://a.com, https://b.com", allow_credentials=True)
    assert first == again
    assert list(first.files) == sorted(first.files)
    assert first.variables == {
        "ALLOW_CREDENTIALS": "true",
        "ALLOW_ORIGINS": "https://a.com,https://b.com",
        "TARGET_SPACE": "me/app",
        MARKER_VARIABLE: "me/app",
    }


def test_faults_are_found_before_anything_is_deployed(canary: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        plan_space("me", target_url="http://a/path", trusted_hops=-1)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "TARGET_URL",
        "TARGET_SPACE",
        "TRUSTED_HOPS",
    ]
    with pytest.raises(SettingsInvalid, match="HF_TOKEN: is a secret"):
        plan_space("me/app", hf_token=canary)
    with pytest.raises(SettingsInvalid, match="RATE_LIMIT_STORAGE: is a secret"):
        plan_space("me/app", rate_limit_storage="redis://:password@host")
    with pytest.raises(SettingsInvalid, match="TRACING: its packages are not in a Space"):
        plan_space("me/app", tracing=True)


def test_a_relay_is_known_by_its_file_and_its_variable() -> None:
    planned = plan_space("me/app")
    marker = planned.files[MARKER_FILE]
    assert json.loads(marker)["version"] == version("hfdeploy-proxy")
    assert find_target(marker, planned.variables) == "me/app"
    assert find_target(marker, {}) is None
    assert find_target(marker, {MARKER_VARIABLE: "me/other"}) is None
    for other in (None, b"", b"[]", b"{}", b'{"relay_of": ["me/app"]}', b"\xff"):
        assert find_target(other, planned.variables) is None


def test_every_requirement_is_locked() -> None:
    project = tomllib.loads((PACKAGE.parent.parent / "pyproject.toml").read_text())["project"]
    locked = dict(
        line.split(" ")[0].split("==")
        for line in plan_space("me/app").files["requirements.txt"].decode().splitlines()
        if "==" in line and not line.startswith(("#", " "))
    )
    for requirement in map(Requirement, project["dependencies"]):
        assert requirement.specifier.contains(locked[requirement.name])

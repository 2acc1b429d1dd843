"""The distributions agree with each other, and what is built from them works on its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from .conftest import BIN, ROOT

MEMBERS = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
VERSION = (ROOT / "VERSION").read_text().strip()


def project(member: Path) -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    return table


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_members_pin_each_other_to_the_one_version(member: Path) -> None:
    names = {path.name for path in MEMBERS}
    dependencies = [str(item) for item in project(member)["dependencies"]]  # type: ignore[attr-defined]
    pins = [item for item in dependencies if item.split("==")[0].split("[")[0] in names]
    assert all(item.endswith(f"=={VERSION}") for item in pins), pins
    assert project(member)["dynamic"] == ["version"]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_every_member_is_complete(member: Path) -> None:
    assert (member / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert not (member / "LICENSE").is_symlink()
    assert (member / "README.md").read_text().startswith(f"# {member.name}\n")
    assert list(member.glob("src/*/py.typed"))
    assert list(member.glob("tests/**/test_*.py"))


def test_bump_moves_everything_together(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/bump.py").write_text((ROOT / "scripts/bump.py").read_text())
    (tmp_path / "VERSION").write_text(f"{VERSION}\n")
    for member in MEMBERS:
        (tmp_path / "packages" / member.name).mkdir(parents=True)
        target = tmp_path / "packages" / member.name / "pyproject.toml"
        target.write_text((member / "pyproject.toml").read_text())
    command = [sys.executable, tmp_path / "scripts/bump.py"]
    assert subprocess.run([*command, "nonsense"], capture_output=True).returncode == 2
    subprocess.run([*command, "9.8.7"], check=True, capture_output=True)
    assert (tmp_path / "VERSION").read_text() == "9.8.7\n"
    for path in tmp_path.glob("packages/*/pyproject.toml"):
        assert f"=={VERSION}" not in path.read_text()
    assert "hfdeploy-core==9.8.7" in (tmp_path / "packages/hfdeploy/pyproject.toml").read_text()


def test_built_wheels_install_and_run_on_their_own(tmp_path: Path) -> None:
    environment = {
        key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")
    }

    def uv(*arguments: str | Path) -> None:
        done = subprocess.run([BIN / "uv", *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    for member in MEMBERS:
        uv("build", "--quiet", "--out-dir", tmp_path / "dist", member)
    wheels = sorted((tmp_path / "dist").glob("*.whl"))
    assert len(wheels) == len(MEMBERS)
    assert len(list((tmp_path / "dist").glob("*.tar.gz"))) == len(MEMBERS)
    for wheel in wheels:
        with ZipFile(wheel) as archive:
            names = archive.namelist()
            (metadata,) = [name for name in names if name.endswith("/METADATA")]
            assert "Metadata-Version: 2.4" in archive.read(metadata).decode()
        assert any(name.endswith("py.typed") for name in names)
        assert any(name.endswith("licenses/LICENSE") for name in names)
        assert not any("/tests/" in name or "/test_" in name for name in names)
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    uv("pip", "install", "--quiet", "--python", tmp_path / "venv/bin/python", *wheels)
    for program in ("hfdeploy", "hfdeploy-janitor", "hfdeploy-localhub", "hfdeploy-proxy"):
        done = subprocess.run([tmp_path / "venv/bin" / program, "--version"], capture_output=True, text=True)
        assert done.stdout.strip().endswith(VERSION), done.stderr

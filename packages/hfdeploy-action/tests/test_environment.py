import subprocess
from pathlib import Path

import pytest

from hfdeploy_action import environment
from hfdeploy_action.environment import (
    LOCK,
    SELDOM,
    InstallFailed,
    choose_command,
    choose_locks,
    choose_variables,
    name_environment,
    prepare,
)


def test_an_installer_is_told_where_the_index_is_and_no_secret() -> None:
    told = choose_variables(
        {
            "PATH": "/bin",
            "https_proxy": "http://proxy",
            "PIP_INDEX_URL": "https://index/simple",
            "PIP_TARGET": "/elsewhere",
            "PIP_USER": "1",
            "PIP_REQUIRE_VIRTUALENV": "1",
            "PIP_NO_BINARY": ":all:",
            "PYTHONPATH": "/evil",
            "UV_INDEX_MINE_PASSWORD": "for the index",
            "UV_CONSTRAINT": "/evil.txt",
            "UV_PYTHON": "3.8",
            "HF_TOKEN": "secret",
            "INPUT_HF_TOKEN": "secret",
            "GITHUB_TOKEN": "secret",
        }
    )
    assert told == {
        "PATH": "/bin",
        "https_proxy": "http://proxy",
        "PIP_INDEX_URL": "https://index/simple",
        "UV_DEFAULT_INDEX": "https://index/simple",
        "UV_INDEX_MINE_PASSWORD": "for the index",
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_what_is_set_for_uv_is_not_replaced_by_what_is_for_pip() -> None:
    told = choose_variables({"PIP_INDEX_URL": "https://pip", "UV_DEFAULT_INDEX": "https://uv"})
    assert told["UV_DEFAULT_INDEX"] == "https://uv"
    assert choose_variables({"PIP_CERT": "a.pem"})["SSL_CERT_FILE"] == "a.pem"
    assert choose_variables({"PIP_CERT": "a.pem", "SSL_CERT_FILE": "b.pem"})["SSL_CERT_FILE"] == "b.pem"


@pytest.mark.parametrize("uv", [None, "/bin/uv"])
def test_whichever_installs_checks_the_hashes_and_builds_nothing(uv: str | None) -> None:
    command = choose_command(uv, "python", [LOCK, SELDOM], Path("a place"))
    assert {"--require-hashes", "--no-deps", "--target"} <= set(command)
    assert ("--no-build" in command) == (uv is not None)
    assert (":all:" in command) == (uv is None)
    assert command[command.index("--target") + 1] == "a place"
    assert command[-4:] == ["--requirement", str(LOCK), "--requirement", str(SELDOM)]


def test_what_is_seldom_needed_is_seldom_installed() -> None:
    assert choose_locks({"INPUT_CREATE_PROXY": "false", "INPUT_MANIFEST": ""}) == [LOCK]
    assert choose_locks({"INPUT_CREATE_PROXY": " True", "INPUT_MANIFEST": ""}) == [LOCK, SELDOM]
    assert choose_locks({"INPUT_MANIFEST": "hfdeploy.yaml"}) == [LOCK, SELDOM]


def test_each_lock_and_each_python_has_its_folder() -> None:
    names = {
        name_environment(lock, python)
        for lock in ([b"1"], [b"2"], [b"1", b"2"])
        for python in ("3.11", "3.12")
    }
    assert len(names) == 6


@pytest.mark.parametrize("lock", [LOCK, SELDOM], ids=lambda path: path.name)
def test_all_of_a_lock_is_hashed(lock: Path) -> None:
    text = lock.read_text()
    packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(packages) > 5
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert "http" not in text.replace("httpx2", "").replace("httpcore2", "")


def test_what_fails_leaves_nothing_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = tmp_path / "bin/uv"
    fails.parent.mkdir()
    fails.write_text("#!/bin/sh\necho no such hash >&2\nexit 2\n")
    fails.chmod(0o755)
    with pytest.raises(InstallFailed, match="cannot be installed\\.\nno such hash"):
        prepare(tmp_path / "made", {"PATH": f"{fails.parent}:/bin:/usr/bin"})
    assert list((tmp_path / "made").iterdir()) == []


def test_a_second_use_finds_what_the_first_made(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin/uv"
    # In place of an installer: counts how often it is asked.
    uv.write_text('#!/bin/sh\necho x >> "$(dirname "$0")/asked"\nmkdir packages\n')
    uv.chmod(0o755)
    variables = {"PATH": f"{uv.parent}:/bin:/usr/bin"}
    first = prepare(tmp_path / "made", variables)
    assert prepare(tmp_path / "made", variables) == first
    assert first.is_dir()
    assert (tmp_path / "bin/asked").read_text() == "x\n"
    assert list((tmp_path / "made").iterdir()) == [first]


def test_without_any_python_that_is_new_enough(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    done = subprocess.run(
        ["/bin/sh", environment.PACKAGE / "start.sh"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=No Python::There is no Python 3.11 or newer")

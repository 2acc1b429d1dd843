"""huggingface_hub's own tests that need a hub, from its pinned sdist, against the local hub.

Their code and their users stay in the sdist: only the names of the tests are kept here. Both are fetched from
the package index once and kept in the cache folder.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import platformdirs
import pytest
from filelock import FileLock

from hfdeploy_localhub import LocalHub, User
from hfdeploy_localhub.seed import Seed, add_users, read_seed

from ..conftest import BIN

HERE = Path(__file__).parent
VERSION = "2.4.0"
SHA256 = "13a6158b9e3393d9d3f248ce99074d50c2a0a1449fb9d8e2f710751e2084c188"
NEEDED = [
    "pytest>=8.4",
    "pytest-mock",
    "pytest-asyncio",
    "pytest-timeout",
    "pytest-vcr",
    "jedi",
    "Jinja2",
    "numpy",
    "Pillow",
    "fastapi",
]
MARKERS = ["api", "transfer", "inference", "xet", "no_xet", "production", "deprecated", "git_lfs"]
CACHE = platformdirs.user_cache_path("hfdeploy-tests") / f"upstream-{VERSION}"


@pytest.fixture(scope="session")
def upstream() -> Path:
    """The folder of the sdist's tests."""
    tests = CACHE / f"huggingface_hub-{VERSION}/tests"
    with FileLock(CACHE / "lock"):
        if tests.is_dir():
            return tests
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
        subprocess.run([*command, f"--dest={CACHE}", f"huggingface_hub=={VERSION}"], check=True)
        archive = CACHE / f"huggingface_hub-{VERSION}.tar.gz"
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
        with tarfile.open(archive) as opened:
            opened.extractall(CACHE, filter="data")
    return tests


@pytest.fixture(scope="session")
def python() -> Path:
    """An interpreter with the client and what its tests need, apart from ours."""
    venv = CACHE / f"venv-{sys.version_info.major}.{sys.version_info.minor}"
    with FileLock(CACHE / "lock"):
        if (venv / "ready").exists():
            return venv / "bin/python"
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([BIN / "uv", "venv", "--quiet", "--python", sys.executable, venv], check=True)
        command = [BIN / "uv", "pip", "install", "--quiet", "--python", venv / "bin/python"]
        subprocess.run([*command, f"huggingface_hub=={VERSION}", *NEEDED], check=True)
        (venv / "ready").touch()
    return venv / "bin/python"


def read_constants(tests: Path) -> Mapping[str, str]:
    """The users and tokens that the tests expect, as they name them."""
    tree = ast.parse((tests / "testing_constants.py").read_text())
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


def seed(names: Mapping[str, str]) -> Seed:
    """Who has to be there before the first test; their tokens stand in the tests only."""
    whose = {"USER": "TOKEN", "OTHER_USER": "OTHER_TOKEN", "ENTERPRISE_USER": "ENTERPRISE_TOKEN"}
    tokens = [User(names[user], names[token]) for user, token in whose.items()]
    return add_users(read_seed(HERE / "people.yaml"), tokens)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("scopes", "xet"),
    [(["core"], True), (["xet", "extra"], True), (["core"], False)],
    ids=["core", "more", "core by lfs"],
)
def test_the_clients_own_tests_pass(
    upstream: Path, python: Path, tmp_path: Path, scopes: Sequence[str], xet: bool
) -> None:
    """Those of repos, with xet and without; those of xet itself, buckets and the rest.

    They mostly wait, so that each has a hub of its own, beside the others.
    """
    names = read_constants(upstream)
    people = seed(names)
    with LocalHub(tmp_path / "hub", users=people.users, organisations=people.organisations) as hub:
        prepare(upstream, tmp_path / "tests", names["ENDPOINT_STAGING"], hub.endpoint)
        wanted = [name for scope in scopes for name in read_names(scope)]
        command = [python, "-m", "pytest", "-c", "pytest.ini", "-q", "-p", "no:cacheprovider", "--timeout=60"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment |= {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_XET": "0" if xet else "1",
            "DISABLE_SYMLINKS_IN_WINDOWS_TESTS": "1",
        }
        done = subprocess.run(
            [*command, "--junitxml=report.xml", *wanted],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
    print(done.stdout[-20_000:], done.stderr[-2_000:])
    passed, failed = read_report(tmp_path / "report.xml")
    assert not failed
    assert passed == len(wanted)


def read_names(scope: str) -> list[str]:
    return (HERE / f"names/{scope}.txt").read_text().splitlines()


def prepare(tests: Path, copy: Path, staging: str, endpoint: str) -> None:
    """A copy of the tests that looks at the local hub, with the fixtures that the sdist leaves out."""
    shutil.copytree(tests, copy)
    (copy / "__init__.py").touch()
    shutil.copy(HERE / "stand_in_conftest.py", copy / "conftest.py")
    for path in copy.glob("*.py"):
        text = path.read_text()
        if staging in text:
            path.write_text(text.replace(staging, endpoint))
    markers = "".join(f"    {marker}\n" for marker in MARKERS)
    ini = f"[pytest]\naddopts = -Werror::FutureWarning --strict-markers\nmarkers =\n{markers}"
    (copy.parent / "pytest.ini").write_text(ini)


def read_report(path: Path) -> tuple[int, list[str]]:
    """How many passed, and the names of those that failed or were skipped."""
    passed, failed = 0, []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if {"failure", "error", "skipped"} & {child.tag for child in case}:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
        else:
            passed += 1
    return passed, failed

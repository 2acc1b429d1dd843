"""Environments by real uv, from a wheel made here: no network."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from hfdeploy_localhub.spaces.stages import BuildError
from hfdeploy_localhub.spaces.venvs import Requirements, VenvCache, plan_uv_environment

from .conftest import make_wheel

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "tiny", "1.0", "def main(): print('tiny')\n", command=True)
    return folder


def requirements(wheels: Path, name: str = "tiny==1.0") -> Requirements:
    arguments = ("--no-index", "--find-links", str(wheels), name)
    return Requirements((arguments,), arguments, (wheels,))


def cache(folder: Path) -> VenvCache:
    return VenvCache(folder, os.environ)


async def test_a_package_is_installed_once(tmp_path: Path, wheels: Path) -> None:
    said: list[str] = []
    venv = await cache(tmp_path).provide(requirements(wheels), said.append)
    assert any("tiny==1.0" in line for line in said)
    process = await asyncio.create_subprocess_exec(venv / "bin/tiny", stdout=-1)
    assert (await process.communicate())[0] == b"tiny\n"
    assert await cache(tmp_path).provide(requirements(wheels), said.append) == venv
    assert "cached" in said[-1]


async def test_many_builders_at_once_make_one(tmp_path: Path, wheels: Path) -> None:
    makers = [cache(tmp_path).provide(requirements(wheels), lambda line: None) for _ in range(5)]
    assert len(set(await asyncio.gather(*makers))) == 1
    (key,) = tmp_path.iterdir()
    assert sorted(path.name for path in key.iterdir()) == [".lock", "1"]


async def test_a_failure_says_why_and_is_not_kept(tmp_path: Path, wheels: Path) -> None:
    for _ in range(2):
        with pytest.raises(BuildError, match=r"exit code 1[\s\S]*no-such-thing"):
            await cache(tmp_path).provide(requirements(wheels, "no-such-thing"), lambda line: None)


async def test_what_a_killed_builder_left_is_made_anew(tmp_path: Path, wheels: Path) -> None:
    venv = await cache(tmp_path).provide(requirements(wheels), lambda line: None)
    (venv / ".ready").unlink()
    (venv / "bin/tiny").write_text("half")
    again = await cache(tmp_path).provide(requirements(wheels), lambda line: None)
    assert "half" not in (again / "bin/tiny").read_text()
    assert not venv.exists() or again == venv


async def test_a_cancelled_build_lets_go_of_its_lock(tmp_path: Path, wheels: Path) -> None:
    building = asyncio.create_task(cache(tmp_path).provide(requirements(wheels), lambda line: None))
    await asyncio.sleep(0.05)
    building.cancel()
    await asyncio.wait({building})
    async with asyncio.timeout(10):
        assert await cache(tmp_path).provide(requirements(wheels), lambda line: None)


async def test_a_killed_hub_is_no_hindrance(tmp_path: Path, wheels: Path) -> None:
    """kill -9 in the middle of an install, by another process."""
    script = (
        "import asyncio, os, sys\nfrom pathlib import Path\n"
        "from hfdeploy_localhub.spaces.venvs import Requirements, VenvCache\n"
        f"a = ('--no-index', '--find-links', {str(wheels)!r}, 'tiny==1.0')\n"
        f"c = VenvCache(Path({str(tmp_path)!r}), os.environ)\n"
        f"asyncio.run(c.provide(Requirements((a,), a, (Path('.'),)), lambda line: print(line, flush=True)))\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=-1)
    assert process.stdout
    await process.stdout.readline()
    process.kill()
    await process.wait()
    async with asyncio.timeout(10):
        venv = await cache(tmp_path).provide(requirements(wheels), lambda line: None)
    assert (venv / "bin/tiny").exists()


def test_what_uv_may_see() -> None:
    seen = plan_uv_environment(
        {
            "HF_TOKEN": "x",
            "PATH": "p",
            "PIP_INDEX_URL": "u",
            "HTTPS_PROXY": "q",
            "UV_CACHE_DIR": "c",
            "AWS_SECRET": "s",
        }
    )
    assert {"HF_TOKEN", "AWS_SECRET", "PIP_INDEX_URL"}.isdisjoint(seen)
    assert (seen["UV_DEFAULT_INDEX"], seen["HTTPS_PROXY"], seen["UV_CACHE_DIR"]) == ("u", "q", "c")
    assert plan_uv_environment({"PIP_INDEX_URL": "u", "UV_INDEX_URL": "v"}).get("UV_DEFAULT_INDEX") is None

"""Whole Spaces: pushed, built, started, replaced, crashed, stopped. Real processes, no network."""

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hfdeploy_localhub.spaces import Spaces, Stage

from .conftest import (
    ECHO_APP,
    OWNER_TOKEN,
    PYTHON_DOCKERFILE,
    FolderSource,
    docker_space,
    echo_space,
    get,
    is_alive,
    log_text,
    readme,
    settle,
    started,
    until,
)

pytestmark = pytest.mark.anyio

SPACE = "me/app"
LISTEN = "import os, socket, time; s = socket.create_server(('0.0.0.0', {port})); "


async def push(spaces: Spaces, source: FolderSource, files: dict[str, str], space: str = SPACE) -> str:
    commit = source.commit(space, files)
    await spaces.pushed(space)
    return commit


async def test_a_docker_space_runs_and_answers(spaces: Spaces, source: FolderSource, tmp_path: Path) -> None:
    source.set(SPACE, variables={"GREETING": "hello"}, secrets={"KEY": "canary-of-a-secret"})
    commit = await push(spaces, source, echo_space(title="A title"))
    assert spaces.runtime(SPACE).stage is Stage.BUILDING
    runtime = await settle(spaces, SPACE)
    assert (runtime.stage, runtime.sha, runtime.error_message) == (Stage.RUNNING, commit, None)
    assert (runtime.hardware_current, runtime.replicas_current) == ("cpu-basic", 1)
    assert runtime.host_url == spaces.host(SPACE) == f"http://127.0.0.1:{source.ports[SPACE]}"
    status, body = await get(spaces.host(SPACE), "/a%2Fb//c?q=%20")
    echo = json.loads(body)
    assert (status, echo["target"]) == (200, "/a%2Fb//c?q=%20")
    environment = echo["environment"]
    assert environment["GREETING"] == "hello"
    assert environment["KEY"] == "canary-of-a-secret"
    assert environment["SPACE_ID"] == SPACE
    assert environment["SPACE_HOST"] == spaces.host(SPACE).removeprefix("http://")
    assert environment["SPACE_TITLE"] == "A title"
    assert "HF_TOKEN" not in environment
    for text in (environment["HOME"], echo["folder"]):
        assert text.startswith(str(tmp_path / "data"))
    logs = log_text(spaces, SPACE, "build") + log_text(spaces, SPACE, "run")
    assert commit[:7] in logs
    assert "canary" not in logs
    assert not spaces.log(SPACE, "build").is_open
    assert spaces.log(SPACE, "run").is_open


async def test_two_spaces_that_name_the_same_port(spaces: Spaces, source: FolderSource) -> None:
    dockerfile = PYTHON_DOCKERFILE.replace('"app.py"', '"app.py", "--port", "7860"')
    app = "VERSION = 1\nimport sys, os\nos.environ['PORT'] = sys.argv[2]\n" + ECHO_APP
    for space in ("me/one", "me/two"):
        await push(spaces, source, docker_space(app, dockerfile, app_port=7860), space)
    for space in ("me/one", "me/two"):
        assert (await settle(spaces, space)).stage is Stage.RUNNING
        _, body = await get(spaces.host(space))
        assert json.loads(body)["environment"]["SPACE_ID"] == space


@pytest.mark.skipif(sys.platform != "linux", reason="ports of a process are known on Linux only")
async def test_an_app_on_another_port_is_told_so(spaces: Spaces, source: FolderSource) -> None:
    commit = await push(spaces, source, docker_space(LISTEN.format(port=0) + "time.sleep(100)"))
    runtime = await settle(spaces, SPACE)
    assert (runtime.stage, runtime.sha) == (Stage.RUNTIME_ERROR, commit)
    assert runtime.error_message
    assert "listens on port" in runtime.error_message
    assert "must listen on port" in log_text(spaces, SPACE, "run")
    assert (await get(spaces.host(SPACE)))[0] == 503


@pytest.mark.parametrize("code", [0, 3])
async def test_an_app_that_ends_at_once(spaces: Spaces, source: FolderSource, code: int) -> None:
    await push(spaces, source, docker_space(f"print('boom-7431'); raise SystemExit({code})"))
    runtime = await settle(spaces, SPACE)
    assert runtime.stage is Stage.RUNTIME_ERROR
    assert runtime.error_message
    assert f"Exit code: {code}." in runtime.error_message
    assert "boom-7431" in runtime.error_message
    assert "boom-7431\n" in log_text(spaces, SPACE, "run")
    assert not spaces.log(SPACE, "run").is_open


async def test_an_app_that_ends_later(spaces: Spaces, source: FolderSource) -> None:
    app = "VERSION = 1\nimport os, threading, time\n"
    app += "threading.Timer(1, lambda: (print('last words', flush=True), os._exit(4))).start()\n" + ECHO_APP
    await push(spaces, source, docker_space(app))
    assert (await settle(spaces, SPACE)).stage is Stage.RUNNING
    await until(lambda: spaces.runtime(SPACE).stage is Stage.RUNTIME_ERROR)
    message = spaces.runtime(SPACE).error_message
    assert message
    assert "Exit code: 4." in message
    assert "last words" in message
    status, body = await get(spaces.host(SPACE))
    assert status == 503
    assert "runtime error" in body


async def test_an_app_that_never_listens(room: Callable[..., Spaces], source: FolderSource) -> None:
    async with started(room(startup_timeout_seconds=0.3)) as spaces:
        await push(spaces, source, docker_space("import time; time.sleep(100)"))
        runtime = await settle(spaces, SPACE)
    assert runtime.stage is Stage.RUNTIME_ERROR
    assert runtime.error_message
    assert "within 0.3 s" in runtime.error_message


@pytest.mark.parametrize(
    ("files", "stage", "told"),
    [
        ({}, Stage.CONFIG_ERROR, "README.md is missing"),
        ({"README.md": readme("flask")}, Stage.CONFIG_ERROR, "unknown sdk"),
        ({"README.md": readme(app_port="x")}, Stage.CONFIG_ERROR, "app_port"),
        ({"README.md": readme()}, Stage.NO_APP_FILE, "Dockerfile"),
        ({"README.md": readme("gradio")}, Stage.NO_APP_FILE, "app.py"),
        ({"README.md": readme("streamlit", app_file="x.py")}, Stage.NO_APP_FILE, "x.py"),
        ({"README.md": readme("static")}, Stage.NO_APP_FILE, "index.html"),
        ({"README.md": readme(), "Dockerfile": "FROM x\nCMD python app.py"}, Stage.BUILD_ERROR, "exec form"),
        ({"README.md": readme(), "Dockerfile": 'FROM x\nCOPY no /\nCMD ["x"]'}, Stage.BUILD_ERROR, "COPY no"),
        (
            {"README.md": readme(), "Dockerfile": 'FROM x\nRUN pip install -r no.txt\nCMD ["x"]'},
            Stage.BUILD_ERROR,
            "no.txt",
        ),
        (
            {
                "README.md": readme(),
                "Dockerfile": 'FROM x\nCOPY . .\nRUN pip install ./no-such-wheel.whl\nCMD ["x"]',
            },
            Stage.BUILD_ERROR,
            "exit code",
        ),
    ],
)
async def test_what_is_wrong_is_said(
    spaces: Spaces, source: FolderSource, files: dict[str, str], stage: Stage, told: str
) -> None:
    commit = await push(spaces, source, {**files, "other.txt": ""})
    runtime = await settle(spaces, SPACE)
    assert (runtime.stage, runtime.sha) == (stage, commit)
    assert runtime.error_message
    assert told in runtime.error_message
    assert told in log_text(spaces, SPACE, "build")
    assert (await get(spaces.host(SPACE)))[0] == 503


async def test_what_is_not_carried_out_is_listed(spaces: Spaces, source: FolderSource) -> None:
    dockerfile = PYTHON_DOCKERFILE.replace("COPY", "RUN apt-get update && rm -rf /var/lib/apt\nCOPY")
    await push(spaces, source, docker_space("raise SystemExit", dockerfile))
    await settle(spaces, SPACE)
    log = log_text(spaces, SPACE, "build")
    assert "Not carried out: apt-get update\n" in log
    assert "Not carried out: rm -rf /var/lib/apt\n" in log


async def test_a_static_space(spaces: Spaces, source: FolderSource) -> None:
    files = {"README.md": readme("static", app_file="main.html"), "main.html": "<p>main", "a/b.css": "p {}"}
    commit = await push(spaces, source, files)
    runtime = await settle(spaces, SPACE)
    assert (runtime.stage, runtime.sha, runtime.hardware_requested) == (Stage.RUNNING, commit, None)
    assert await get(spaces.host(SPACE)) == (200, "<p>main")
    assert await get(spaces.host(SPACE), "/a/b.css") == (200, "p {}")
    assert (await get(spaces.host(SPACE), "/../../etc/passwd"))[0] == 404


async def test_a_private_space_is_not_there_without_a_token(spaces: Spaces, source: FolderSource) -> None:
    source.set(SPACE, private=True)
    await push(spaces, source, echo_space())
    await settle(spaces, SPACE)
    host = spaces.host(SPACE)
    assert (await get(host))[0] == 404
    assert (await get(host, "/", "Authorization: Bearer hf_other"))[0] == 404
    for header in (f"Authorization: Bearer {OWNER_TOKEN}", f"X-HF-Authorization: Bearer {OWNER_TOKEN}"):
        status, body = await get(host, "/", header)
        assert status == 200
        assert OWNER_TOKEN not in body
    status, body = await get(
        host, "/", f"X-HF-Authorization: Bearer {OWNER_TOKEN}", "Authorization: Bearer the-apps-own"
    )
    assert status == 200
    assert "the-apps-own" in body
    assert OWNER_TOKEN not in body


async def test_a_new_commit_takes_over_without_a_gap(spaces: Spaces, source: FolderSource) -> None:
    first = await push(spaces, source, echo_space(1))
    await settle(spaces, SPACE)
    second = await push(
        spaces, source, docker_space(f"import time; time.sleep(0.5)\nVERSION = 2\n{ECHO_APP}")
    )
    seen: list[tuple[Stage, str | None, int]] = []
    async with asyncio.timeout(15):
        while not seen or seen[-1][2] != 2:
            status, body = await get(spaces.host(SPACE))
            assert status == 200
            runtime = spaces.runtime(SPACE)
            seen.append((runtime.stage, runtime.sha, json.loads(body)["version"]))
    stages = [stage for stage, _, _ in seen]
    assert Stage.RUNNING_APP_STARTING in stages
    assert {sha for stage, sha, _ in seen if stage is not Stage.RUNNING} == {first}
    assert (spaces.runtime(SPACE).stage, spaces.runtime(SPACE).sha) == (Stage.RUNNING, second)


async def test_a_commit_that_fails_ends_the_one_before(spaces: Spaces, source: FolderSource) -> None:
    await push(spaces, source, echo_space())
    await settle(spaces, SPACE)
    bad = await push(spaces, source, docker_space("raise SystemExit(1)"))
    assert spaces.runtime(SPACE).stage is Stage.RUNNING_BUILDING
    runtime = await settle(spaces, SPACE)
    assert (runtime.stage, runtime.sha) == (Stage.RUNTIME_ERROR, bad)
    assert (await get(spaces.host(SPACE)))[0] == 503


async def test_the_latest_of_many_pushes_wins(spaces: Spaces, source: FolderSource, tmp_path: Path) -> None:
    for version in range(5):
        commit = await push(spaces, source, echo_space(version))
        await asyncio.sleep(0.03 * version)
    runtime = await settle(spaces, SPACE)
    assert (runtime.stage, runtime.sha) == (Stage.RUNNING, commit)
    assert json.loads((await get(spaces.host(SPACE)))[1])["version"] == 4
    builds = tmp_path / "data" / SPACE / "builds"
    await until(lambda: len(list(builds.iterdir())) == 1)


async def test_the_same_commit_again_does_nothing(spaces: Spaces, source: FolderSource) -> None:
    files = echo_space()
    await push(spaces, source, files)
    await settle(spaces, SPACE)
    _, before = await get(spaces.host(SPACE))
    await push(spaces, source, files)
    assert spaces.runtime(SPACE).stage is Stage.RUNNING
    _, after = await get(spaces.host(SPACE))
    assert json.loads(before)["environment"]["PORT"] == json.loads(after)["environment"]["PORT"]


async def test_pause_restart_rename_and_remove(spaces: Spaces, source: FolderSource, tmp_path: Path) -> None:
    commit = await push(spaces, source, echo_space())
    await settle(spaces, SPACE)
    await spaces.pause(SPACE)
    source.set(SPACE, paused=True)
    assert spaces.runtime(SPACE).stage is Stage.PAUSED
    assert (await get(spaces.host(SPACE)))[0] == 503
    await push(spaces, source, echo_space(2))
    assert spaces.runtime(SPACE).stage is Stage.PAUSED
    source.set(SPACE, paused=False, variables={"NEW": "value"})
    await spaces.restart(SPACE)
    assert (await settle(spaces, SPACE)).stage is Stage.RUNNING
    assert json.loads((await get(spaces.host(SPACE)))[1])["environment"]["NEW"] == "value"
    host = spaces.host(SPACE)
    source.heads["me/new"] = source.heads.pop(SPACE)
    source.ports["me/new"] = source.ports.pop(SPACE)
    await spaces.renamed(SPACE, "me/new")
    assert (await settle(spaces, "me/new")).stage is Stage.RUNNING
    assert spaces.host("me/new") == host
    assert json.loads((await get(host))[1])["environment"]["SPACE_ID"] == "me/new"
    await spaces.removed("me/new")
    with pytest.raises(KeyError):
        spaces.runtime("me/new")
    with pytest.raises(OSError, match="Connect"):
        await get(host)
    assert not (tmp_path / "data/me/new").exists()
    assert commit


async def test_a_factory_restart_makes_the_environment_anew(spaces: Spaces, source: FolderSource) -> None:
    await push(spaces, source, echo_space())
    await settle(spaces, SPACE)
    before = json.loads((await get(spaces.host(SPACE)))[1])["environment"]["VIRTUAL_ENV"]
    await spaces.restart(SPACE, factory=True)
    assert (await settle(spaces, SPACE)).stage is Stage.RUNNING
    after = json.loads((await get(spaces.host(SPACE)))[1])["environment"]["VIRTUAL_ENV"]
    assert Path(before).parent == Path(after).parent
    assert before != after


async def test_a_restarted_hub_runs_its_spaces_at_the_same_port(
    room: Callable[..., Spaces], source: FolderSource
) -> None:
    async with started(room()) as spaces:
        await push(spaces, source, echo_space())
        await push(spaces, source, echo_space(), "me/paused")
        await settle(spaces, SPACE)
        host = spaces.host(SPACE)
    source.set("me/paused", paused=True)
    async with started(room()) as spaces:
        assert spaces.host(SPACE) == host
        assert spaces.runtime("me/paused").stage is Stage.PAUSED
        assert (await settle(spaces, SPACE)).stage is Stage.RUNNING
        assert (await get(host))[0] == 200
    with socket.create_server(("127.0.0.1", source.ports[SPACE])):
        async with started(room()) as spaces:
            assert spaces.host(SPACE) != host
            assert (await settle(spaces, SPACE)).stage is Stage.RUNNING
            assert spaces.host(SPACE) == f"http://127.0.0.1:{source.ports[SPACE]}"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_stop_leaves_no_process(room: Callable[..., Spaces], source: FolderSource) -> None:
    async with started(room()) as spaces:
        await push(
            spaces,
            source,
            docker_space("import os; print(os.getpid(), flush=True)\nVERSION = 1\n" + ECHO_APP),
        )
        await settle(spaces, SPACE)
        await until(lambda: len(spaces.log(SPACE, "run").lines()) > 1)
        pid = int(spaces.log(SPACE, "run").lines()[1].data)
        assert is_alive(pid)
    assert not is_alive(pid)


HUB = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import conftest
from hfdeploy_localhub.spaces import Spaces

async def main():
    source = conftest.FolderSource(Path({folder!r}) / "commits")
    for name in ("me/one", "me/two"):
        app = "import os, subprocess, sys\\nVERSION = 1\\n"
        app += "child = subprocess.Popen(['sleep', '100'], start_new_session=True)\\n"
        app += "print('pids', os.getpid(), os.getppid(), child.pid, flush=True)\\n" + conftest.ECHO_APP
        source.commit(name, conftest.docker_space(app))
    data, venvs = Path({folder!r}) / "data", Path({venvs!r})
    spaces = Spaces(source, data, venvs, environment=os.environ, grace_seconds=0.5)
    await spaces.start()
    for name in ("me/one", "me/two"):
        await conftest.settle(spaces, name)
        await conftest.until(lambda: "pids" in conftest.log_text(spaces, name, "run"))
        print(conftest.log_text(spaces, name, "run").partition("pids ")[2].splitlines()[0], flush=True)
    await asyncio.sleep(100)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_a_killed_hub_leaves_no_process(tmp_path: Path, venv_cache: Path) -> None:
    script = HUB.format(tests=str(Path(__file__).parent), folder=str(tmp_path), venvs=str(venv_cache))
    hub = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert hub.stdout
    pids = [int(pid) for _ in range(2) for pid in (await hub.stdout.readline()).split()]
    assert len(pids) == 6
    assert all(is_alive(pid) for pid in pids)
    hub.kill()
    await hub.wait()
    await until(lambda: not any(is_alive(pid) for pid in pids), 5)


async def test_names_that_are_paths_are_refused(spaces: Spaces, source: FolderSource) -> None:
    source.heads["../x"] = "0" * 40
    with pytest.raises(ValueError, match="not the name"):
        await spaces.pushed("../x")

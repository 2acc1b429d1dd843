"""Nothing that is started outlives the hub. Real processes; Linux, where /proc tells who is alive."""

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest

from hfdeploy_localhub.spaces.children import run_child, start_child
from hfdeploy_localhub.spaces.launch import Launch
from hfdeploy_localhub.spaces.listeners import find_listening_ports

from .conftest import is_alive, until

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")]

# Starts a child in its group and one that daemonises, tells their numbers, and obeys no SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)"
sleep = [sys.executable, "-c", sleep]
one = subprocess.Popen(sleep)
daemonise = "import subprocess, sys; child = subprocess.Popen(sys.argv[1:], start_new_session=True); "
daemonise += "print(child.pid, flush=True)"
daemonise = [sys.executable, "-c", daemonise, *sleep]
daemon = subprocess.Popen(daemonise, start_new_session=True, stdout=subprocess.PIPE)
print(os.getpid(), one.pid, int(daemon.stdout.readline()), flush=True)
{then}
"""


def launch(tmp_path: Path, script: str) -> Launch:
    environment = {"PATH": os.environ["PATH"]}
    return Launch((sys.executable, "-u", "-c", textwrap.dedent(script)), tmp_path, environment)


async def family(lines: list[str]) -> list[int]:
    await until(lambda: lines)
    return [int(pid) for pid in lines[0].split()]


async def test_exit_codes_and_output(tmp_path: Path) -> None:
    lines: list[str] = []
    code = await run_child(
        launch(tmp_path, "import sys; print('a\\r'); print('b', file=sys.stderr, end=''); sys.exit(3)"),
        lines.append,
        1,
    )
    assert (code, sorted(lines)) == (3, ["a", "b"])
    assert await run_child(launch(tmp_path, "import os; os.kill(os.getpid(), 9)"), lines.append, 1) == 137


# Ends at once when told to, its child a little later.
SLOW_CHILD = """
import subprocess, sys, time
child = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.2), sys.exit()))"
subprocess.Popen([sys.executable, "-c", child + "; print('ready', flush=True); time.sleep(100)"])
time.sleep(100)
"""


@pytest.mark.parametrize(("script", "told"), [("import time; time.sleep(100)", []), (SLOW_CHILD, ["ready"])])
async def test_nobody_waits_for_who_has_ended(tmp_path: Path, script: str, told: list[str]) -> None:
    """Neither when it is stopped before it has begun, nor when a part of it takes longer."""
    lines: list[str] = []
    child = await start_child(launch(tmp_path, script), lines.append, 20)
    await until(lambda: lines == told)
    async with asyncio.timeout(10):
        assert await child.stop() == 143


async def test_a_missing_program_is_told(tmp_path: Path) -> None:
    lines: list[str] = []
    assert await run_child(Launch(("no-such-program",), tmp_path, {"PATH": "/bin"}), lines.append, 1) == 127
    assert lines == ["cannot start no-such-program: No such file or directory"]


async def test_stop_ends_the_whole_family(tmp_path: Path) -> None:
    lines: list[str] = []
    child = await start_child(launch(tmp_path, FAMILY.format(then="time.sleep(100)")), lines.append, 0.2)
    pids = await family(lines)
    assert all(is_alive(pid) for pid in pids)
    assert await child.stop() == 143
    assert not any(is_alive(pid) for pid in pids)


async def test_what_an_app_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    lines: list[str] = []
    assert await run_child(launch(tmp_path, FAMILY.format(then="sys.exit(5)")), lines.append, 0.2) == 5
    assert not any(is_alive(pid) for pid in await family(lines))


async def test_cancelled_it_leaves_nothing(tmp_path: Path) -> None:
    lines: list[str] = []
    running = asyncio.create_task(
        run_child(launch(tmp_path, FAMILY.format(then="time.sleep(100)")), lines.append, 0.2)
    )
    pids = await family(lines)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not any(is_alive(pid) for pid in pids)


async def test_sigterm_is_obeyed_before_the_grace_is_over(tmp_path: Path) -> None:
    lines: list[str] = []
    script = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *a: (print("bye"), sys.exit(0)))
        print("up"); time.sleep(100)
    """
    child = await start_child(launch(tmp_path, script), lines.append, 30)
    await until(lambda: lines)
    assert await asyncio.wait_for(child.stop(), 5) == 0
    assert lines == ["up", "bye"]


async def test_a_killed_guard_takes_the_app_with_it(tmp_path: Path) -> None:
    lines: list[str] = []
    child = await start_child(
        launch(tmp_path, "import os, time; print(os.getpid()); time.sleep(100)"), lines.append, 1
    )
    pids = await family(lines)
    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: not any(is_alive(pid) for pid in pids))
    assert await child.wait() == -signal.SIGKILL


async def test_a_killed_hub_leaves_no_orphans(tmp_path: Path) -> None:
    """kill -9 of the process that hosts the app; its guard ends the family."""
    hub = tmp_path / "hub.py"
    hub.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from hfdeploy_localhub.spaces.children import start_child\n"
        "from hfdeploy_localhub.spaces.launch import Launch\n"
        "async def main():\n"
        f"    arguments = (sys.executable, '-u', '-c', {FAMILY.format(then='time.sleep(100)')!r})\n"
        "    launch = Launch(arguments, Path('.'), {})\n"
        "    await start_child(launch, lambda line: print(line, flush=True), 0.2)\n"
        "    await asyncio.sleep(100)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, str(hub), stdout=-1)
    assert process.stdout
    pids = [int(pid) for pid in (await process.stdout.readline()).split()]
    assert len(pids) == 3
    assert all(is_alive(pid) for pid in pids)
    process.kill()
    await process.wait()
    await until(lambda: not any(is_alive(pid) for pid in pids), 5)


async def test_output_without_end_is_slowed_down(tmp_path: Path) -> None:
    count = 0

    def hear(line: str) -> None:
        nonlocal count
        count += 1

    child = await start_child(launch(tmp_path, "while True: print('y' * 100)"), hear, 0.2)
    await asyncio.sleep(0.5)
    await asyncio.wait_for(child.stop(), 5)
    assert 0 < count < 60_000


async def test_a_line_without_end_is_passed_on_in_pieces(tmp_path: Path) -> None:
    lines: list[str] = []
    await run_child(launch(tmp_path, "print('x' * 1_000_000, end='')"), lines.append, 1)
    assert len(lines) > 1
    assert sum(map(len, lines)) == 1_000_000


async def test_listening_ports_of_the_whole_tree(tmp_path: Path) -> None:
    script = """
        import socket, subprocess, sys
        listen = "import socket, time; s = socket.create_server(('127.0.0.1', 0));"
        listen += "print(s.getsockname()[1], flush=True)"
        child = subprocess.Popen([sys.executable, "-c", listen + "; time.sleep(100)"])
        exec(listen); time.sleep(100)
    """
    lines: list[str] = []
    child = await start_child(launch(tmp_path, script), lines.append, 0.2)
    await until(lambda: len(lines) == 2)
    assert find_listening_ports(child.pid) == {int(line) for line in lines}
    await child.stop()
    assert find_listening_ports(child.pid) == frozenset()

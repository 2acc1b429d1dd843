import asyncio
import socket
import subprocess
import sys
from pathlib import Path

from hfdeploy_localhub.serving import bind

SCRIPT = """
import os, sys, threading, urllib.request
from pathlib import Path
from hfdeploy_localhub import LocalHub

held = threading.Lock()
held.acquire()
os.register_at_fork(after_in_child=held.acquire)
with LocalHub(Path(sys.argv[1])) as hub:
    def ask(path, body=None):
        headers = {"Authorization": f"Bearer {hub.token}", "Content-Type": "application/json"}
        return urllib.request.urlopen(urllib.request.Request(hub.endpoint + path, body, headers), timeout=20)
    ask("/api/repos/create", b'{"name": "m"}').close()
    with ask("/local/m/info/refs?service=git-upload-pack") as answer:
        print(answer.status)
"""


def test_no_handler_of_the_process_runs_in_a_child(tmp_path: Path) -> None:
    """A client's would wait for a lock that its thread held at the fork, and the hub for the child."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "hub")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr


def test_answers_are_sent_without_delay() -> None:
    """Else the kernel holds the second segment of each until the first is acknowledged: 40 ms a request."""

    async def ask() -> int:
        told = asyncio.get_running_loop().create_future()

        def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            told.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = bind("127.0.0.1", 0)
        async with await asyncio.start_server(answer, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            writer.close()
            return int(await told)

    assert asyncio.run(ask())

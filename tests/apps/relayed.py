"""An app and a relay before it, each a process of its own.

The browser knows the relay as `localhost`, while the upstream is `127.0.0.1`: what names the wrong one does
not work.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence

TOKEN = "hf_token_of_the_app"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(address: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(address).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


@contextlib.contextmanager
def running(command: Sequence[object], address: str, **settings: str) -> Iterator[str]:
    """A process that listens at an address."""
    with subprocess.Popen([str(word) for word in command], env={**os.environ, **settings}) as process:
        try:
            wait_for(address)
            yield address
        finally:
            process.terminate()


@contextlib.contextmanager
def relayed(upstream: str, **settings: str) -> Iterator[str]:
    """The address of a relay before an upstream."""
    port = free_port()
    command = [sys.executable, "-m", "hfdeploy_proxy", "serve", "--port", port]
    given = {"TARGET_URL": upstream, "HF_TOKEN": TOKEN, **settings}
    with running(command, f"http://localhost:{port}/_relay/healthz", **given):
        yield f"http://localhost:{port}"

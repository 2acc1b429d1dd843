"""What git runs before a push moves any ref: hands the push to the hub and does as it is told.

A program of its own, started by git-receive-pack and not by the hub, so it imports the standard library
only. It speaks over a socket that it inherits, whose number is in ``HFDEPLOY_GATE``: there is no address that
anyone else could connect to. It fails closed: without a verdict nothing is pushed.
"""

import os
import socket
import sys


def main() -> int:
    """0 if the hub lets the push through; else its reasons are on stderr, which git shows to the client."""
    try:
        with socket.socket(fileno=int(os.environ["HFDEPLOY_GATE"])) as gate:
            question = os.environb.get(b"GIT_QUARANTINE_PATH", b"") + b"\n" + sys.stdin.buffer.read()
            gate.sendall(len(question).to_bytes(8, "big") + question)
            verdict = b"".join(iter(lambda: gate.recv(65536), b""))
    except (KeyError, OSError, ValueError):
        verdict = b""
    word, _, reason = verdict.partition(b"\n")
    if word == b"accept":
        return 0
    sys.stderr.buffer.write(reason or b"The hub gave no answer; nothing was pushed.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

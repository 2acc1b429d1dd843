"""The `hfdeploy` command: one module a verb."""

import os
import sys


def main() -> None:
    """Entry point. `--version` answers before anything else is imported."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"hfdeploy {version('hfdeploy')}\n")
        return
    import signal

    # Some jobs are started without these, and Python has None there.
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: PTH123, SIM115  as long as the process
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115

    from hfdeploy.cli.app import app

    # What ends a job ends it as Ctrl-C does: in words, and without leaving a step's program behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app(prog_name="hfdeploy")

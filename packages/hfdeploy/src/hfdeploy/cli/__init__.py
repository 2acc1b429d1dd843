"""The `hfdeploy` command: one module a verb."""

import sys


def main() -> None:
    """Entry point. `--version` answers before anything else is imported."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"hfdeploy {version('hfdeploy')}\n")
        return
    import signal

    from hfdeploy.cli.app import app

    # What ends a job ends it as Ctrl-C does: in words, and without leaving a step's program behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app(prog_name="hfdeploy")

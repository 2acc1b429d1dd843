"""The `hfdeploy` command: one module a verb."""

import sys


def main() -> None:
    """Entry point. `--version` answers before anything else is imported."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"hfdeploy {version('hfdeploy')}\n")
        return
    from hfdeploy.cli.app import app

    app(prog_name="hfdeploy")

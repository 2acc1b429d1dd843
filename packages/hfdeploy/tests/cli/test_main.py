import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from hfdeploy.cli.app import app

CODE = """
import sys
sys.argv = ["hfdeploy", *{arguments!r}]
from hfdeploy.cli import main
try:
    main()
except SystemExit:
    pass
print(sorted({{"huggingface_hub", "httpx2", "rich", "yaml"}} & set(sys.modules)), file=sys.stderr)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = CODE.format(arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_the_version_is_the_distributions() -> None:
    done = run("--version")
    assert done.stdout == f"hfdeploy {version('hfdeploy')}\n"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["deploy", "--help"], []])
def test_looking_around_imports_no_client(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout or "Usage:" in done.stderr


def test_a_job_without_standard_streams_is_told_what_is_wrong() -> None:
    script = 'exec "$0" -c "from hfdeploy.cli import main; main()" deploy nowhere alice/app <&- >&-'
    done = subprocess.run(["sh", "-c", script, sys.executable], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 10
    assert done.stderr.startswith("error: The source nowhere does not exist.")


def test_help_is_given_for_the_verb() -> None:
    done = run("deploy", "-h")
    for option in ("--type", "--sdk", "--private", "--mirror", "--message", "--json", "--debug"):
        assert option in done.stdout
    assert "--token" not in done.stdout


def test_help_says_of_each_verb_what_fits_into_a_line() -> None:
    groups: list[click.Command] = [app]
    while groups:
        group = groups.pop()
        context = click.Context(group, terminal_width=80)
        assert "..." not in group.get_help(context).partition("Commands:")[2]
        if isinstance(group, click.Group):
            found = (group.get_command(context, name) for name in group.list_commands(context))
            groups += [command for command in found if isinstance(command, click.Group)]

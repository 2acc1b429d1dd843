import subprocess
import sys

from click.testing import CliRunner

import hfdeploy_janitor.cli
from hfdeploy.cli.app import app


def test_every_verb_of_the_janitor_is_there() -> None:
    listed = CliRunner().invoke(app, ["janitor", "--help"]).stdout
    assert hfdeploy_janitor.cli.app.commands
    for verb in hfdeploy_janitor.cli.app.commands:
        assert f"\n  {verb} " in listed
    refused = CliRunner().invoke(app, ["janitor", "sweep", "--namespace", "a", "--prefix", "", "--ttl", "6h"])
    assert refused.exit_code == 70


def test_it_is_not_imported_before_it_is_asked_for() -> None:
    code = "import sys, hfdeploy.cli.app; print('hfdeploy_janitor' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

import subprocess
import sys

import hfdeploy
import hfdeploy_core


def test_the_public_names_are_cores() -> None:
    assert hfdeploy.__all__ == hfdeploy_core.__all__
    assert all(getattr(hfdeploy, name) is getattr(hfdeploy_core, name) for name in hfdeploy.__all__)


def test_what_is_not_asked_for_is_not_imported() -> None:
    """`--version` needs no core, and a deploy none of what other verbs and manifests take."""
    code = (
        "import sys, hfdeploy.cli\n"
        "core = [name for name in sys.modules if name.startswith('hfdeploy_core')]\n"
        "from hfdeploy.cli.app import app\n"
        "app.get_command(None, 'deploy')\n"
        "late = {'importlib.metadata', 'hfdeploy_core.manifest', 'hfdeploy_core.diagnosis'}\n"
        "print(core, [*late & set(sys.modules)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n"

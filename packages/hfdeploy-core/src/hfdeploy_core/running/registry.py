"""Which kinds of steps and connectors there are: ours, and those of plugins."""

from hfdeploy_core.errors import PluginInvalid
from hfdeploy_core.manifest.steps import ArchiveFile, HttpFile, NotifyFile, PythonFile, RunFile
from hfdeploy_core.manifest.suggesting import suggest
from hfdeploy_core.running.steps.archive import archive
from hfdeploy_core.running.steps.context import StepKind
from hfdeploy_core.running.steps.http import ask_url
from hfdeploy_core.running.steps.notify import notify
from hfdeploy_core.running.steps.python import call_function
from hfdeploy_core.running.steps.run import run_program

_STEPS = {
    kind.name: kind
    for kind in (
        StepKind("archive", ArchiveFile, archive),
        StepKind("http", HttpFile, ask_url),
        StepKind("notify", NotifyFile, notify),
        StepKind("python", PythonFile, call_function),
        StepKind("run", RunFile, run_program),
    )
}


def find_step(name: str) -> StepKind:
    """The kind of step of that name. Raises PluginInvalid where there is none."""
    if name not in _STEPS:
        raise PluginInvalid(
            f"There is no step {name!r}{suggest(name, _STEPS)}", "Install the plugin it is of."
        )
    return _STEPS[name]

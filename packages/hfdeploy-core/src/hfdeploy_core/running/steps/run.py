"""The step `run`: a program, its output line by line."""

import os
import re
import signal
import subprocess
import threading
from pathlib import Path

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import RunFile
from hfdeploy_core.redact import remember_secret
from hfdeploy_core.running.steps.context import StepContext

# What most programs do not start without; everything else is named in the manifest.
_ALWAYS = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "SYSTEMROOT", "USERPROFILE")
# A variable that is called so holds a secret, which the program may print.
_TELLING = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH(?!OR)", re.IGNORECASE)
_GRACE_SECONDS = 5.0


def run_program(asked: RunFile, context: StepContext) -> None:
    """Run it to its end. Raises StepFailed where it cannot be run, takes too long or fails."""
    program = Path(asked.command[0]).name
    names = (*_ALWAYS, *asked.environment)
    environment = {name: context.environment[name] for name in names if name in context.environment}
    for name in filter(_TELLING.search, environment.keys() & asked.environment):
        remember_secret(environment[name])
    try:
        process = subprocess.Popen(  # noqa: S603  the manifest names it
            asked.command,
            cwd=context.folder / asked.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own, so that its children end with it.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StepFailed(f"{program} cannot be run: {reason}.", "Check the command and the folder.") from None
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        _end(process)

    timer = threading.Timer(asked.timeout_seconds, give_up)
    timer.start()
    try:
        with process, context.over.ending(lambda: _end(process)):
            for line in process.stdout or ():
                context.tell(line.rstrip("\n"))
    except BaseException:
        _end(process)
        raise
    finally:
        timer.cancel()
    if is_late.is_set():
        raise StepFailed(
            f"{program} took more than {asked.timeout_seconds:g} seconds.", "Raise its timeout_seconds."
        )
    if process.returncode:
        raise StepFailed(f"{program} ended with {process.returncode}.")


def _end(process: "subprocess.Popen[str]") -> None:
    """End it and its children: asked first, then killed."""
    for number in (signal.SIGTERM, signal.SIGKILL if os.name == "posix" else signal.SIGTERM):
        try:
            if os.name == "posix":
                os.killpg(process.pid, number)
            else:
                process.terminate()
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        except OSError:
            return

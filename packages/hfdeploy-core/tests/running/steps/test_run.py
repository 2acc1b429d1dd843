import sys
import time

import pytest

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import RunFile
from hfdeploy_core.running.steps.context import StepContext
from hfdeploy_core.running.steps.run import run_program


def ask(*command: str, **options: object) -> RunFile:
    return RunFile.model_validate({"type": "run", "command": list(command), **options})


def python(code: str, **options: object) -> RunFile:
    return ask(sys.executable, "-c", code, **options)


def test_its_output_is_told_line_by_line_both_streams(context: StepContext, lines: list[str]) -> None:
    run_program(python("import sys; print('one'); sys.stdout.flush(); sys.stderr.write('two')"), context)
    assert lines == ["one", "two"]


def test_it_gets_what_is_named_and_no_token(context: StepContext, lines: list[str]) -> None:
    run_program(
        python("import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))", environment=["A", "NOT_SET"]),
        context,
    )
    assert lines == ["['A', 'PATH']"]


def test_no_shell_reads_it(context: StepContext, lines: list[str]) -> None:
    run_program(RunFile.model_validate({"type": "run", "command": "echo '$HOME;' `ls` > x"}), context)
    assert lines == ["$HOME; `ls` > x"]


def test_a_failure_is_told_with_its_number(context: StepContext) -> None:
    with pytest.raises(StepFailed, match="ended with 3"):
        run_program(python("raise SystemExit(3)"), context)
    with pytest.raises(StepFailed, match="cannot be run: No such file"):
        run_program(ask("/no/program"), context)
    with pytest.raises(StepFailed, match="cannot be run"):
        run_program(python("", folder="nowhere"), context)


def test_what_takes_too_long_is_ended_with_its_children(
    context: StepContext, lines: list[str], tmp_path
) -> None:
    child = "import time, pathlib; time.sleep(1); pathlib.Path('late').touch()"
    code = (
        f"import subprocess, sys; print('on', flush=True); subprocess.run([sys.executable, '-c', {child!r}])"
    )
    started = time.monotonic()
    with pytest.raises(StepFailed, match=r"took more than 0.3 seconds"):
        run_program(python(code, timeout_seconds=0.3), context)
    assert time.monotonic() - started < 5
    time.sleep(1)
    assert not (tmp_path / "late").exists()

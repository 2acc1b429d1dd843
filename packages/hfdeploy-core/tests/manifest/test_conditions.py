import subprocess
import sys

import pytest

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.conditions import Circumstances, decide, find_condition_fault

HERE = Circumstances("main", "staging", "app", "failed", ("app/main.py", "README.md"))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("branch == 'main' && profile != 'production'", True),
        ("changed.exists(path, path.startsWith('app/'))", True),
        ("changed.all(path, path.endsWith('.md'))", False),
        ("size(changed) > 1", True),
        ("result == 'done'", False),
        ("target in ['app', 'relay']", True),
        ("previous == ''", True),
        ("branch.matches('^(a+)+$')", False),
    ],
)
def test_it_looks_at_what_there_is(text: str, holds: bool) -> None:
    assert find_condition_fault(text) is None
    assert decide(text, HERE) is holds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("branch ==", "this is no condition: mismatched input '<EOF>'."),
        ("brunch == 'x'", "there is no 'brunch' to look at; did you mean 'branch'?"),
        ("__import__('os')", "'__import__' is no function, or none for what it is given."),
        ("branch.startsWith(3)", "'startsWith' is no function, or none for what it is given."),
        ("size(changed)", "this is neither true nor false, but 0."),
    ],
)
def test_what_is_no_condition_is_told(text: str, told: str) -> None:
    assert told == find_condition_fault(text)


def test_what_only_a_run_can_tell_is_no_fault_but_may_be_a_failure() -> None:
    assert find_condition_fault("changed[2] == 'x'") is None
    with pytest.raises(StepFailed, match="cannot be decided: index out of bounds"):
        decide("changed[2] == 'x'", HERE)


def test_nothing_of_python_is_within_reach() -> None:
    for text in ("branch.__class__", "().__class__.__bases__", "changed.append('x')"):
        with pytest.raises(StepFailed):
            decide(text, HERE)


def test_it_has_to_be_true_or_false() -> None:
    with pytest.raises(StepFailed, match="neither true nor false, but 'main'"):
        decide("branch", HERE)
    with pytest.raises(StepFailed, match="cannot be decided"):
        decide("branch > 1", HERE)


def test_its_library_is_loaded_without_its_command_line_and_can_be_imported_all_the_same() -> None:
    program = """
import sys
from hfdeploy_core.manifest.conditions import find_condition_fault
assert find_condition_fault("branch == 'main'") is None
assert "prompt_toolkit" not in sys.modules
import cel
assert cel.evaluate("1 + 1") == 2
"""
    subprocess.run([sys.executable, "-c", program], check=True)

"""`when:` in a manifest: an expression in CEL, which can look at a few facts and do nothing.

CEL has a grammar of its own, no loops that do not end and nothing of Python within reach: libraries that
evaluate a part of Python's syntax have been broken out of. Its regular expressions take linear time.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.suggesting import suggest

# What an expression names itself: `changed.exists(path, ...)`.
_BOUND = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*(\w+)\s*,")
_UNKNOWN = re.compile(r"Undefined variable or function: '(?P<name>\w+)'")
_REMEDY = "Run pip install 'hfdeploy-core[when]'."


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an expression can look at.

    `changed` are the paths that the plan changes, `result` what became of all before: "done" or "failed";
    `previous` is the same of the run before, `preview` the id of one. `branch`, `profile`, `target`,
    `previous` and `preview` are empty where there is none.
    """

    branch: str = ""
    profile: str = ""
    target: str = ""
    result: str = "done"
    changed: Sequence[str] = ()
    previous: str = ""
    preview: str = ""


_KNOWN = tuple(field.name for field in fields(Circumstances))


def find_condition_fault(text: str) -> str | None:
    """What is wrong with an expression, as a sentence; None if it can be evaluated."""
    try:
        program = _compile(text)
    except ValueError as error:
        return str(error)
    for name in program.variables():
        if name not in (*_KNOWN, *_BOUND.findall(text)):
            return f"there is no {name!r} to look at{suggest(name, _KNOWN)}"
    try:
        found = _evaluate(program, Circumstances())
    except ValueError as error:
        # Whatever else goes wrong may do so only because there is nothing to look at yet.
        unknown = _UNKNOWN.search(str(error))
        return unknown and f"{unknown['name']!r} is no function, or none for what it is given."
    return None if isinstance(found, bool) else f"this is neither true nor false, but {found!r}."


def asks_for_result(text: str) -> bool:
    """Whether an expression looks at what became of all before."""
    return "result" in _compile(text).variables()


def decide(text: str, circumstances: Circumstances) -> bool:
    """Whether an expression holds. Raises StepFailed where it is none that is true or false."""
    try:
        found = _evaluate(_compile(text), circumstances)
    except ValueError as error:
        first = str(error).partition("\n")[0]
        raise StepFailed(f"`when: {text}` cannot be decided: {first.rstrip('.')}.", "Correct it.") from None
    if not isinstance(found, bool):
        raise StepFailed(f"`when: {text}` is neither true nor false, but {found!r}.", "Compare it.")
    return found


def _evaluate(program: Any, circumstances: Circumstances) -> Any:
    """What an expression comes to. Raises ValueError where it comes to nothing."""
    try:
        return program.execute({**asdict(circumstances), "changed": list(circumstances.changed)})
    except (LookupError, TypeError, RuntimeError) as error:
        raise ValueError(str(error)) from error


def _compile(text: str) -> Any:
    try:
        return _load_cel().compile(text)
    except ValueError as error:
        _, _, reason = str(error).partition("Syntax error: ")
        told = (reason or str(error)).partition("\n")[0].partition(" expecting ")[0]
        raise ValueError(f"this is no condition: {told}.") from None


def _load_cel() -> ModuleType:
    """CEL itself: its package would import a command line as well, which takes half a second."""
    name = "cel.cel"
    if loaded := sys.modules.get(name):
        return loaded
    package = find_spec("cel")
    within = package and PathFinder.find_spec(name, package.submodule_search_locations)
    if not within or not within.loader:
        raise ValueError(f"conditions need a library that is not installed. {_REMEDY}")
    # It cannot be loaded twice, so that whoever imports the package must find it.
    module = sys.modules[name] = module_from_spec(within)
    within.loader.exec_module(module)
    return module

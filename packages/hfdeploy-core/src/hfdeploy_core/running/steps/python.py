"""The step `python`: a function, of what is installed or of a module beside the manifest."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import PythonFile
from hfdeploy_core.redact import redact
from hfdeploy_core.running.steps.context import StepContext


def call_function(asked: PythonFile, context: StepContext) -> None:
    """Call it with the context and its arguments. Raises StepFailed for whatever it raises."""
    function = _find(asked.function, context.folder)
    try:
        function(context, **asked.arguments)
    except StepFailed:
        raise
    except Exception as error:
        told = redact(f"{type(error).__name__}: {error}")
        raise StepFailed(f"{asked.function} failed with {told.rstrip('.')}.") from error


def _find(words: str, folder: Path) -> Callable[..., Any]:
    module, _, name = words.partition(":")
    with _beside(folder):
        try:
            function = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise StepFailed(f"{words} cannot be found: {error}.", "Check its name.") from error
    if not callable(function):
        raise StepFailed(f"{words} is no function.", "Name one.")
    return function  # type: ignore[no-any-return]


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))

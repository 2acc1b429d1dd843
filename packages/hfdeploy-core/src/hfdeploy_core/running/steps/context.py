"""What a step is given: the contract of every step, ours and those of plugins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hfdeploy_core.clock import Clock
from hfdeploy_core.running.flow import Over


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where a step runs. `target` is empty for steps of the whole run; `environment` may hold secrets.

    `tell` shows a line, secrets masked. `over` is set where the run is interrupted.
    """

    folder: Path
    target: str
    profile: str
    environment: Mapping[str, str] = field(repr=False)
    tell: Callable[[str], None]
    clock: Clock
    over: Over = field(default_factory=Over, repr=False)


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step: what it asks for, and what it does with that. A failure is a StepFailed."""

    name: str
    model: type[BaseModel]
    run: Callable[[Any, StepContext], None]


@dataclass(frozen=True, slots=True)
class ConnectorContext:
    """Where a value is looked for."""

    folder: Path
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connector:
    """Where values of references come from. A ValueError says why there is none."""

    name: str
    find: Callable[[str, ConnectorContext], str]

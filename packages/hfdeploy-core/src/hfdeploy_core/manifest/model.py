"""A manifest once it is checked: the values that a run works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hfdeploy_core.manifest.node import Position
from hfdeploy_core.manifest.references import Kind, Reference, fill_all, find_references
from hfdeploy_core.model import Target
from hfdeploy_core.options import read_source, read_target
from hfdeploy_core.planning.gate import Gate, check_gate
from hfdeploy_core.planning.probes import parse_probe


@dataclass(frozen=True, slots=True)
class Asked:
    """A target as a deploy is asked for it: its texts are filled."""

    repo: str
    source: str
    options: Mapping[str, Any]
    gate: Gate | None
    target: Target
    relay: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the manifest declares it; `fields` are what its kind asks for, references in their texts.

    `key` tells it from every other step.
    """

    key: str
    kind: str
    fields: Mapping[str, Any]
    at: Position
    name: str | None = None
    when: str | None = None
    skip: bool = False

    @property
    def references(self) -> frozenset[Reference]:
        """Every reference in its texts."""
        return find_references(self.fields)


@dataclass(frozen=True, slots=True)
class Steps:
    """What is done before, and what after."""

    before: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()

    @property
    def references(self) -> frozenset[Reference]:
        """Every reference in their texts."""
        return frozenset().union(*(step.references for step in (*self.before, *self.after)))


@dataclass(frozen=True, slots=True)
class DeclaredRelay:
    """The relay in front of a target, by its own name in the manifest."""

    name: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """A target as the manifest declares it: its texts may hold references. `needs` are what comes before."""

    name: str
    repo: str
    source: str
    options: Mapping[str, Any]
    needs: frozenset[str] = frozenset()
    gate: Mapping[str, Any] | None = None
    when: str | None = None
    skip: bool = False
    steps: Steps = Steps()
    relay: DeclaredRelay | None = None
    previews: Mapping[str, Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """By what it is called: its own name, and that of the relay in front of it."""
        return (self.name,) if self.relay is None else (self.name, self.relay.name)

    @property
    def has_secrets(self) -> bool:
        """Whether it, or the relay in front of it, is sent any."""
        return bool(self.options.get("secrets")) or self.relay is not None

    @property
    def references(self) -> frozenset[Reference]:
        """Every reference in its own texts, not those of its steps."""
        relay = self.relay.fields if self.relay else {}
        return find_references([self.repo, self.source, self.options, self.gate, relay])

    def fill(self, values: Mapping[Reference, str]) -> Asked:
        """What is asked for, with these values. Raises a RequestError where that makes no sense."""
        repo, options = fill_all(self.repo, values), fill_all(self.options, values)
        asked = fill_all(self.gate, values)
        gate = None if asked is None else _read_gate(asked)
        target = read_target(repo, options)
        place = read_source(fill_all(self.source, values), options)
        check_gate(gate, target.repo.type)
        relay = None if self.relay is None else fill_all(self.relay.fields, values)
        return Asked(repo, place.path, options, gate, target, relay)


def _read_gate(asked: Mapping[str, Any]) -> Gate:
    probes = tuple(map(parse_probe, asked["probes"]))
    return Gate(asked["wait_seconds"], probes, asked["rollback_on_failure"])


@dataclass(frozen=True, slots=True)
class Manifest:
    """Several targets, in the order in which they stand there; `places` tells where references do."""

    targets: Mapping[str, Declared]
    env_files: tuple[str, ...] = ()
    state_repo: str | None = None
    state_name: str = "state"
    allow_plugins: frozenset[str] | None = None
    steps: Steps = Steps()
    places: Mapping[Reference, Position] = field(default_factory=dict)

    def list_steps(self) -> tuple[Step, ...]:
        """Every step, of the run and of targets."""
        each = (self.steps, *(target.steps for target in self.targets.values()))
        return tuple(step for steps in each for step in (*steps.before, *steps.after))

    @property
    def shown_variables(self) -> frozenset[str]:
        """The environment variables whose values its targets show: not those of secrets and steps."""
        shown = (
            replace(target, options={**target.options, "secrets": {}}) for target in self.targets.values()
        )
        references = frozenset().union(*(target.references for target in shown))
        return frozenset(reference.name for reference in references if reference.kind is Kind.ENV)

    @property
    def has_conditions(self) -> bool:
        """Whether anything in it depends on a condition."""
        targets = (target.when for target in self.targets.values())
        return any((*targets, *(step.when for step in self.list_steps())))

    @property
    def references(self) -> frozenset[Reference]:
        """Every reference in targets and steps."""
        targets = self.targets.values()
        return self.steps.references.union(
            *(target.references | target.steps.references for target in targets)
        )

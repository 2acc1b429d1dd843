"""A manifest from what was read: overlaid, checked, and as values."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hfdeploy_core.errors import RequestError
from hfdeploy_core.manifest.checking import find_needs
from hfdeploy_core.manifest.model import Declared, DeclaredRelay, Manifest, Step, Steps
from hfdeploy_core.manifest.node import Fault, Node, Position, find_node, list_texts, refusal, strip
from hfdeploy_core.manifest.overlays import choose_profile, spread_defaults
from hfdeploy_core.manifest.references import Reference, list_references
from hfdeploy_core.manifest.spec import TARGET_KINDS, ManifestFile, RelayFile, RepoFile, StateFile
from hfdeploy_core.manifest.steps import AnyStep, StepFile, StepsFile
from hfdeploy_core.manifest.validating import check_spec
from hfdeploy_core.planning.names import parse_repo_id

_KEYS = {kind: frozenset(model.model_fields) for kind, model in TARGET_KINDS.items()}
# What is no option of a deploy.
_OTHERS = {"type", "repo", "source", "depends_on", "gate", "previews", "when", "skip", "steps"}
_ANYTHING = "x"


def build_manifest(root: Node, profile: str | None = None) -> Manifest:
    """The manifest with that profile. Raises ManifestInvalid, with every fault and its place."""
    check_spec(root)
    chosen = choose_profile(root, profile)
    check_spec(chosen)
    whole = spread_defaults(chosen, _KEYS)
    read = ManifestFile.model_validate(strip(whole))
    needs = find_needs(whole, allows_commands=read.allow_commands)
    nodes = whole.children["targets"].children
    relays = {name: target for name, target in read.targets.items() if isinstance(target, RelayFile)}
    _check_relays(relays, nodes, read)
    # A relay is planned and applied with its upstream: who needs the one needs the other.
    beside = {name: relay.upstream for name, relay in relays.items()}
    targets = {
        name: _declare(
            name,
            target,
            frozenset(beside.get(needed, needed) for needed in needs[name]) - {name},
            nodes[name],
        )
        for name, target in read.targets.items()
        if not isinstance(target, RelayFile)
    }
    for name, relay in relays.items():
        fields = relay.model_dump(exclude={"type", "upstream"})
        targets[relay.upstream] = replace(targets[relay.upstream], relay=DeclaredRelay(name, fields))
    if faults := [*_check_settings(targets, whole), *_check_state(read.state, whole)]:
        raise refusal(faults)
    return Manifest(
        targets,
        env_files=tuple(read.env_files),
        state_repo=read.state.repo if read.state else None,
        state_name=read.state.name if read.state else "state",
        allow_plugins=None if read.allow_plugins is None else frozenset(read.allow_plugins),
        steps=_build_steps(read.steps, whole, "run"),
        places=_find_places(whole),
    )


def list_profiles(root: Node) -> list[str]:
    """The names of a manifest's profiles."""
    profiles = root.children.get("profiles")
    return list(profiles.children) if profiles is not None else []


def _check_relays(relays: Mapping[str, RelayFile], nodes: Mapping[str, Node], read: ManifestFile) -> None:
    faults = []
    taken: dict[str, str] = {}
    for name, relay in relays.items():
        at, kind = nodes[name].children["upstream"].at, read.targets[relay.upstream].type
        if kind != "space":
            faults.append(
                Fault(at, f"a relay stands in front of a space, and {relay.upstream!r} is a {kind}.")
            )
        if (other := taken.setdefault(relay.upstream, name)) != name:
            faults.append(Fault(at, f"{other!r} stands in front of {relay.upstream!r} already."))
    if faults:
        raise refusal(faults)


def _declare(name: str, target: RepoFile, needs: frozenset[str], node: Node) -> Declared:
    asked: dict[str, Any] = {key: getattr(target, key) for key in target.model_fields_set - _OTHERS}
    gate, previews = getattr(target, "gate", None), getattr(target, "previews", None)
    return Declared(
        name,
        target.repo,
        target.source,
        {**asked, "repo_type": target.type},
        needs,
        None if gate is None else gate.model_dump(),
        target.when,
        target.skip,
        _build_steps(target.steps, node, f"targets.{name}"),
        previews=None if previews is None else previews.model_dump(),
    )


def _build_steps(asked: StepsFile, node: Node, whose: str) -> Steps:
    def build(place: str, number: int, step: AnyStep) -> Step:
        fields = step.model_dump(exclude={*StepFile.model_fields, "type"})
        at = find_node(node, ("steps", place, number)).at
        return Step(f"{whose}.{place}.{number}", step.type, fields, at, step.name, step.when, step.skip)

    return Steps(
        tuple(build("before", number, step) for number, step in enumerate(asked.before)),
        tuple(build("after", number, step) for number, step in enumerate(asked.after)),
    )


def _find_places(root: Node) -> dict[Reference, Position]:
    """Where each reference stands first."""
    places: dict[Reference, Position] = {}
    for _, node in list_texts(root):
        for reference in list_references(str(node.content)):
            places.setdefault(reference, node.at)
    return places


def _check_settings(targets: Mapping[str, Declared], root: Node) -> Iterator[Fault]:
    """Whatever a deploy would refuse of them without a look at source and Hub, told before anything runs."""
    for name, target in targets.items():
        node = root.children["targets"].children[name]
        faults = [
            Fault(node.children[key].at, f"{name}: {words}")
            for key, part in _take_apart(target)
            if (words := _find_refusal(part)) is not None
        ]
        yield from faults
        # What is right by itself may still contradict the rest.
        if not faults and (words := _find_refusal(target)) is not None:
            yield Fault(node.key_at or node.at, f"{name}: {words}")


def _take_apart(target: Declared) -> Iterator[tuple[str, Declared]]:
    """Each key of a target by itself, all others as if they were fine or not there."""
    kind = {"repo_type": target.options["repo_type"]}
    bare = replace(target, repo=_ANYTHING, source=_ANYTHING, options=kind, gate=None)
    yield "repo", replace(bare, repo=target.repo)
    for key in target.options.keys() - kind:
        yield key, replace(bare, options={**kind, key: target.options[key]})
    if target.gate is not None:
        yield "gate", replace(bare, gate=target.gate)


def _find_refusal(target: Declared) -> str | None:
    try:
        target.fill(dict.fromkeys(target.references, _ANYTHING))
    except RequestError as error:
        return error.message
    return None


def _check_state(asked: StateFile | None, root: Node) -> Iterator[Fault]:
    """Whether it can lie where it shall: a name without references, as nothing is read before."""
    if asked is None:
        return
    try:
        parse_repo_id(asked.repo)
    except RequestError as error:
        yield Fault(find_node(root, ("state", "repo")).at, error.message)

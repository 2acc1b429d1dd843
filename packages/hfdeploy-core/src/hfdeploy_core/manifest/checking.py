"""What no schema says: whether references, dependencies and settings of a manifest make sense."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from hfdeploy_core.manifest.conditions import find_condition_fault
from hfdeploy_core.manifest.node import Fault, Node, Place, find_node, list_texts, refusal
from hfdeploy_core.manifest.references import Kind, list_references
from hfdeploy_core.manifest.suggesting import suggest

Needs = Mapping[str, frozenset[str]]
_FIXED = ("repo", "source")


def find_needs(root: Node, *, allows_commands: bool) -> Needs:
    """What each target needs, by `depends_on` and by references. Raises ManifestInvalid with every fault."""
    targets = root.children["targets"].children
    faults = list(_check_texts(root, allows_commands=allows_commands))
    if faults:
        raise refusal(faults)
    wanted = {name: _list_wanted(name, target) for name, target in targets.items()}
    faults = [
        Fault(node.at, f"there is no target {needed!r}{suggest(needed, targets.keys() - {name})}")
        for name, nodes in wanted.items()
        for needed, node in nodes.items()
        if needed not in targets
    ]
    faults += [
        Fault(node.at, f"there is no target {reference.name!r}{suggest(reference.name, targets)}")
        for _, node in list_texts(root.children["steps"] if "steps" in root.children else Node({}, root.at))
        for reference in list_references(str(node.content))
        if reference.kind is Kind.TARGETS and reference.name not in targets
    ]
    if faults:
        raise refusal(faults)
    for name, target in targets.items():
        # A relay is planned and applied with its upstream, which has to wait for what the relay needs.
        if (upstream := target.children.get("upstream")) is not None:
            theirs = {needed: node for needed, node in wanted[name].items() if needed != upstream.content}
            wanted[str(upstream.content)] = {**theirs, **wanted[str(upstream.content)]}
    needs = {name: frozenset(nodes) for name, nodes in wanted.items()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        # graphlib tells a circle from what is needed to what needs it.
        circle = [str(name) for name in reversed(error.args[1])]
        at = wanted[circle[0]][circle[1]].at
        raise refusal([Fault(at, f"these need each other: {' -> '.join(circle)}.")]) from None
    return needs


def _check_texts(root: Node, *, allows_commands: bool) -> Iterator[Fault]:
    for place, node in list_texts(root):
        try:
            references = list_references(str(node.content))
        except ValueError as error:
            yield Fault(node.at, str(error))
            continue
        for reference in references:
            if reference.kind is Kind.CMD and not allows_commands:
                yield Fault(node.at, f"{reference} runs a command; say `allow_commands: true` to allow that.")
            if reference.kind is Kind.TARGETS and _is_fixed(place):
                yield Fault(node.at, f"{place[-1]!r} cannot depend on another target: {reference}.")
        if _is_secret(place) and not references:
            yield Fault(node.at, f"a secret is never written down here; use '${{env:{place[-1]}}}'.")
        if place[-1] == "when" and (fault := find_condition_fault(str(node.content))) is not None:
            yield Fault(node.at, fault)
    for place in _list_notified(root):
        node = find_node(root, place)
        if not list_references(str(node.content)):
            yield Fault(
                node.at, "an address holds secrets and is never written down here; use '${env:NAME}'."
            )


def _list_wanted(name: str, target: Node) -> dict[str, Node]:
    """The targets that one depends on, and where it says so."""
    listed = target.children.get("depends_on")
    wanted = {str(item.content): item for item in (listed.items if listed else ())}
    if (upstream := target.children.get("upstream")) is not None:
        wanted[str(upstream.content)] = upstream
    for place, node in list_texts(target):
        for reference in list_references(str(node.content)):
            # What a step says of its own target is known by then.
            if reference.kind is Kind.TARGETS and not (place[0] == "steps" and reference.name == name):
                wanted.setdefault(reference.name, node)
    return wanted


def _list_notified(root: Node) -> Iterator[Place]:
    """The places of all addresses that steps notify."""
    for place, node in list_texts(root):
        if place[-1] == "type" and node.content == "notify" and "steps" in place:
            yield (*place[:-1], "url")


def _is_fixed(place: Place) -> bool:
    return len(place) == 3 and place[0] == "targets" and place[2] in _FIXED


def _is_secret(place: Place) -> bool:
    return len(place) == 4 and place[0] == "targets" and place[2] == "secrets"

"""What needs what, over graphs of all shapes; the errors are in test_validating."""

from graphlib import CycleError, TopologicalSorter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.errors import ManifestInvalid, SettingInvalid
from hfdeploy_core.manifest.building import build_manifest
from hfdeploy_core.manifest.reading import read_yaml
from hfdeploy_core.manifest.selecting import select

NAMES = "abcdef"
graphs = st.dictionaries(
    st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=3), min_size=1, max_size=6
)


def write(graph: dict[str, set[str]], *, by_reference: bool) -> str:
    lines = ["version: 1", "targets:"]
    for name, needs in graph.items():
        lines += [f"  {name}:", "    type: space", f"    repo: x/{name}", "    source: ."]
        if by_reference:
            told = " ".join(f"${{targets.{needed}.host}}" for needed in sorted(needs))
            lines.append(f"    variables: {{HOSTS: '{told}'}}")
        else:
            lines.append(f"    depends_on: [{', '.join(sorted(needs))}]")
    return "\n".join(lines)


@settings(deadline=None)
@given(graphs, st.booleans())
def test_needs_are_those_that_are_written_or_the_fault_is_told(
    graph: dict[str, set[str]], by_reference: bool
) -> None:
    root = read_yaml(write(graph, by_reference=by_reference), "f")
    unknown = {needed for needs in graph.values() for needed in needs} - graph.keys()
    try:
        TopologicalSorter(graph).prepare()
        is_circle = False
    except CycleError:
        is_circle = True
    if unknown or is_circle:
        with pytest.raises(ManifestInvalid, match="no target" if unknown else "need each other") as caught:
            build_manifest(root)
        for line in caught.value.message.splitlines():
            name = line.partition("'")[2].partition("'")[0] if unknown else None
            assert name is None or name in unknown
        return
    targets = build_manifest(root).targets
    assert {name: set(target.needs) for name, target in targets.items()} == graph


@settings(deadline=None)
@given(graphs, st.sets(st.sampled_from(NAMES)))
def test_a_selection_holds_all_that_it_needs_and_nothing_else(
    graph: dict[str, set[str]], named: set[str]
) -> None:
    # Only to what comes before: no circles, nothing unknown.
    order = sorted(graph)
    graph = {name: {needed for needed in graph[name] if needed in graph and needed < name} for name in order}
    manifest = build_manifest(read_yaml(write(graph, by_reference=False), "f"))
    if named - graph.keys():
        with pytest.raises(SettingInvalid, match="There is no target"):
            select(manifest, named)
        return
    chosen = select(manifest, named).targets
    assert all(target.needs <= chosen.keys() for target in chosen.values())
    reached, left = set(), list(named or graph)
    while left:
        name = left.pop()
        reached.add(name)
        left += graph[name]
    assert set(chosen) == reached

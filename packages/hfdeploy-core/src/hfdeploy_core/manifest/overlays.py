"""What defaults and a profile make of a manifest: the same values, each still knowing where it stands."""

from collections.abc import Container, Mapping
from dataclasses import replace

from hfdeploy_core.manifest.node import Fault, Node, refusal
from hfdeploy_core.manifest.suggesting import suggest


def overlay(base: Node, over: Node) -> Node:
    """The base with what is laid over it: mappings are merged, everything else is replaced."""
    if not (isinstance(base.content, Mapping) and isinstance(over.content, Mapping)):
        return over
    merged = dict(base.content)
    for key, value in over.content.items():
        merged[key] = overlay(merged[key], value) if key in merged else value
    return replace(base, content=merged)


def choose_profile(root: Node, profile: str | None) -> Node:
    """The manifest as a profile has it, without its profiles. Raises ManifestInvalid for an unknown one."""
    children = dict(root.children)
    profiles = children.pop("profiles", None)
    bare = replace(root, content=children)
    if profile is None:
        return bare
    known = profiles.children if profiles else {}
    if profile not in known:
        at = (profiles.key_at or profiles.at) if profiles else root.at
        raise refusal([Fault(at, f"there is no profile {profile!r}{suggest(profile, known)}")])
    return overlay(bare, known[profile])


def spread_defaults(root: Node, known_keys: Mapping[str, Container[str]]) -> Node:
    """The manifest whose targets have what `defaults` says; `known_keys` are those of each type of target."""
    children = dict(root.children)
    if "defaults" not in children or "targets" not in children:
        return root
    defaults = children.pop("defaults")
    children["targets"] = replace(
        children["targets"],
        content={
            name: _spread(defaults, target, known_keys)
            for name, target in children["targets"].children.items()
        },
    )
    return replace(root, content=children)


def _spread(defaults: Node, target: Node, known_keys: Mapping[str, Container[str]]) -> Node:
    kind = target.children.get("type")
    known = known_keys[str(kind.content)] if kind is not None else ()
    fitting = {key: value for key, value in defaults.children.items() if key in known}
    return replace(overlay(replace(defaults, content=fitting), target), at=target.at, key_at=target.key_at)

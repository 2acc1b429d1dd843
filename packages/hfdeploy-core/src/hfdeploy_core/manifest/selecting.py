"""Which targets a run is about."""

from collections.abc import Iterable
from dataclasses import replace

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.manifest.model import Manifest
from hfdeploy_core.manifest.suggesting import suggest

_WRITING_NOTHING = frozenset({"http", "notify"})


def select(manifest: Manifest, names: Iterable[str]) -> Manifest:
    """Those targets and all that they need; all of them where none is named. Raises SettingInvalid."""
    known = manifest.targets
    beside = {target.relay.name: target.name for target in known.values() if target.relay}
    left = [beside.get(name, name) for name in names] or list(known)
    chosen: set[str] = set()
    while left:
        name = left.pop()
        if name not in known:
            raise SettingInvalid(
                f"There is no target {name!r}{suggest(name, known)}", "Name one that is there."
            )
        if name not in chosen:
            chosen.add(name)
            left += known[name].needs
    return replace(manifest, targets={name: target for name, target in known.items() if name in chosen})


def may_be_written(manifest: Manifest, name: str) -> bool:
    """Whether a step that comes before a target may write to its source: its own, or one of what it needs."""
    target = manifest.targets[name]
    needed = (other for other in select(manifest, [name]).targets.values() if other is not target)
    theirs = (step for other in needed for step in (*other.steps.before, *other.steps.after))
    steps = (*manifest.steps.before, *target.steps.before, *theirs)
    return any(step.kind not in _WRITING_NOTHING for step in steps)

"""Which targets a run is about."""

from collections.abc import Iterable
from dataclasses import replace

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.manifest.model import Manifest
from hfdeploy_core.manifest.suggesting import suggest


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

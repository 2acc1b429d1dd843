"""Opens a source: what it holds, and where its contents are while it is open."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from hfdeploy_core.errors import DeployError
from hfdeploy_core.globs import escape
from hfdeploy_core.model import Snapshot, Source
from hfdeploy_core.source.ignore import Rules
from hfdeploy_core.source.overlay import lay_over
from hfdeploy_core.source.scan import find_root, make_rules, scan
from hfdeploy_core.source.tagging import tag_card


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source as it was found. `rules` say what of it is deployed, `faults` what cannot be."""

    asked: Source
    snapshot: Snapshot
    rules: Rules = field(default_factory=lambda: Rules(Source(""), lambda path: None))
    faults: tuple[DeployError, ...] = ()


def _leave_out_card(source: Source, root: Path) -> Source:
    """The source without its card's own file: what that says is in README.md."""
    if source.card_file is None or not (place := Path(source.card_file).resolve()).is_relative_to(root):
        return source
    return replace(source, exclude=(*source.exclude, f"/{escape(place.relative_to(root).as_posix())}"))


@contextmanager
def open_source(source: Source, state: Path) -> Iterator[OpenSource]:
    """The source, read; see `scan`. Raises a SourceError where there is nothing to deploy at all."""
    place = Path(source.path)
    faults: list[DeployError] = []
    root = find_root(place)
    rules = make_rules(root, _leave_out_card(source, root))
    snapshot = scan(place, state, rules=rules, on_fault=faults.append)
    with lay_over(snapshot, source) as laid, tag_card(laid, source.tags) as tagged:
        yield OpenSource(source, tagged, rules, tuple(faults))

"""Opens a source: what it holds, and where its contents are while it is open."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hfdeploy_core.errors import DeployError
from hfdeploy_core.globs import escape
from hfdeploy_core.model import Snapshot, Source
from hfdeploy_core.source.ignore import Rules
from hfdeploy_core.source.overlay import CARD, lay_over
from hfdeploy_core.source.scan import describe_empty, find_root, make_rules, scan

Bring = Callable[[Snapshot, Collection[str]], Snapshot]


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source as it was found. `rules` say what of it is deployed, `faults` what cannot be.

    `commit` is there for a git revision. `bring` makes the contents of paths lie on the disk.
    """

    asked: Source
    snapshot: Snapshot
    rules: Rules = field(default_factory=lambda: Rules(Source(""), lambda path: None))
    faults: tuple[DeployError, ...] = ()
    commit: str | None = None
    bring: Bring = lambda snapshot, paths: snapshot


def _leave_out_card(source: Source, root: Path) -> Source:
    """The source without its card's own file: what that says is in README.md."""
    if source.card_file is None or not (place := Path(source.card_file).resolve()).is_relative_to(root):
        return source
    return replace(source, exclude=(*source.exclude, f"/{escape(place.relative_to(root).as_posix())}"))


@contextmanager
def open_source(source: Source, state: Path) -> Iterator[OpenSource]:
    """The source, read; see `scan`. Raises a SourceError where there is nothing to deploy at all."""
    with ExitStack() as stack:
        opened = _open(source, state, stack)
        snapshot = opened.bring(opened.snapshot, {CARD})
        yield replace(opened, snapshot=stack.enter_context(lay_over(snapshot, source)))


def _open(source: Source, state: Path, stack: ExitStack) -> OpenSource:
    if source.rev is not None:
        return _open_revision(source, stack)
    if Path(source.path).is_file():
        # Imported here: folders need none of it.
        from hfdeploy_core.source.archive import is_archive

        if is_archive(Path(source.path)):
            return _open_archive(source, stack)
    return _open_folder(source, state)


def _open_archive(source: Source, stack: ExitStack) -> OpenSource:
    from hfdeploy_core.source.archive import read_archive

    folder = Path(stack.enter_context(TemporaryDirectory(prefix="hfdeploy-")))
    faults: list[DeployError] = []
    snapshot, rules = read_archive(Path(source.path), source, folder, faults.append)
    if not snapshot.entries and not faults:
        raise describe_empty(Path(source.path), snapshot.ignored)
    return OpenSource(source, snapshot, rules, tuple(faults))


def _open_folder(source: Source, state: Path) -> OpenSource:
    root = find_root(Path(source.path))
    rules = make_rules(root, _leave_out_card(source, root))
    faults: list[DeployError] = []
    snapshot = scan(Path(source.path), state, rules=rules, on_fault=faults.append)
    return OpenSource(source, snapshot, rules, tuple(faults))


def _open_revision(source: Source, stack: ExitStack) -> OpenSource:
    # Imported here: folders need none of it.
    from hfdeploy_core.source import revision

    root = find_root(Path(source.path))
    found = revision.find_revision(root, source.rev or "")
    rules = revision.make_rules(found, _leave_out_card(source, root))
    faults: list[DeployError] = []
    snapshot = found.list_snapshot(rules, faults.append)
    if not snapshot.entries and not faults:
        raise describe_empty(root, snapshot.ignored)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="hfdeploy-")))

    def bring(snapshot: Snapshot, paths: Collection[str]) -> Snapshot:
        return found.bring(snapshot, paths, folder)

    return OpenSource(source, snapshot, rules, tuple(faults), found.commit, bring)

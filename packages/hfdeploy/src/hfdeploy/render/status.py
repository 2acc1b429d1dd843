"""A repo's status in words: pure."""

from collections.abc import Iterator

from hfdeploy.render.words import count
from hfdeploy_core import Status

_NAMED_PATHS = 3


def say_status(status: Status) -> str:
    """A line for each thing that is known."""
    lines = [f"{status.repo_type} {status.repo_id} ({status.visibility})"]
    return "\n".join([*lines, *(f"  {what:<9} {words}" for what, words in _list_facts(status))])


def _list_facts(status: Status) -> Iterator[tuple[str, str]]:
    yield "url", status.repo_url
    yield "head", status.head
    if status.stage is not None:
        yield "live", f"{status.live or 'nothing'} ({status.stage})"
    deployed = status.deployed
    if deployed is None:
        yield "deployed", "never, as far as the latest commits tell"
    else:
        yield "deployed", deployed.commit
        if deployed.restores:
            yield "restores", deployed.restores
        where = " at ".join(filter(None, (deployed.source, deployed.source_commit)))
        yield "source", where or "unknown"
        if deployed.run:
            yield "run", deployed.run
    yield from (("drift", words) for words in _list_drift(status))


def _list_drift(status: Status) -> Iterator[str]:
    if status.others:
        paths = status.changed_files
        rest = f" and {len(paths) - _NAMED_PATHS:,} more" if len(paths) > _NAMED_PATHS else ""
        named = ", ".join(paths[:_NAMED_PATHS]) or "no file"
        yield f"{count(len(status.others), 'commit')} by others since: {named}{rest}"
    for drift in status.drift:
        yield f"{drift.setting}: left as {drift.expected}, is {drift.found}"
    if not status.others and not status.drift:
        yield "none" if status.is_known else "none in the files; how the settings were left is not known"

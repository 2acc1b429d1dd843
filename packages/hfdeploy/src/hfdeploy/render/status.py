"""A repo's status in words: pure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hfdeploy.render.words import count
from hfdeploy_core import Status

if TYPE_CHECKING:
    from hfdeploy_core.project import ProjectStatus, TargetStatus

_NAMED_PATHS = 3


def say_status(status: Status) -> str:
    """A line for each thing that is known."""
    lines = [f"{status.repo_type} {status.repo_id} ({status.visibility})"]
    return "\n".join([*lines, *(f"  {what:<9} {words}" for what, words in _list_facts(status))])


def say_project(project: "ProjectStatus") -> str:
    """The status of every target, one below the other."""
    return "\n".join(map(_say_target, project.targets)) or "No targets."


def _say_target(target: "TargetStatus") -> str:
    held = target.held
    gone = "is gone since a run has applied it" if held and held.commit else "is not there"
    lines = (say_status(target.found) if target.found else f"{target.repo}\n  {gone}").splitlines()
    if held is not None and target.found is not None:
        whose = "made by a run" if held.is_owned else "there before"
        at = "at the head" if held.commit == target.found.head else f"at {held.commit or 'no commit'}"
        words = f"{at}, {held.at}; the repo was {whose}"
        if target.is_replaced:
            words = f"{held.at}, to another repo of that name, which is gone"
        lines.append(f"  {'applied':<9} {words}")
    if not target.is_declared:
        lines.append(f"  {'target':<9} no longer in the manifest")
    return "\n".join([f"{target.target}: {lines[0]}", *lines[1:]])


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

"""Which remote files may go, and how many."""

import re
from collections.abc import Iterable

from hfdeploy_core.errors import DeletionRefused, SettingInvalid
from hfdeploy_core.globs import Globs
from hfdeploy_core.model import MaxDelete, Plan, RemoteFile, Target

_LIMIT = re.compile(r"(?P<number>[0-9]{1,9})(?P<percent>%?)")


def parse_max_delete(asked: int | str | None) -> MaxDelete:
    """`20` or `20%` as a limit, the default for None. Raises SettingInvalid."""
    if asked is None:
        return MaxDelete()
    found = _LIMIT.fullmatch(str(asked).strip())
    if found is None or (found["percent"] and int(found["number"]) > 100):
        raise SettingInvalid(
            f"--max-delete {asked} is neither a number nor a percentage.", "Write --max-delete 20 or 20%."
        )
    number = int(found["number"])
    return MaxDelete(0, number) if found["percent"] else MaxDelete(number, 0)


def decide_most(limit: MaxDelete, remote_files: int) -> int:
    """How many of so many remote files may be deleted."""
    return max(limit.files, remote_files * limit.percent // 100)


def find_kept(target: Target, remote_files: Iterable[RemoteFile]) -> frozenset[str]:
    """Remote paths that no mirror deletes."""
    keep = Globs(target.keep)
    return frozenset(file.path for file in remote_files if keep.match(file.path))


def check_kept(target: Target, deletions: Iterable[str]) -> None:
    """Raise DeletionRefused where a file that shall be kept is in the way of one of the source."""
    keep = Globs(target.keep)
    for path in deletions:
        if keep.match(path):
            raise DeletionRefused(
                f"--keep protects the remote file {path}, which is in the way of what the source has there.",
                "Rename that in the source, or drop the --keep.",
            )


def is_within_limit(plan: Plan) -> bool:
    """Whether a plan deletes no more than it may."""
    return plan.most_deletions is None or len(plan.deletions) <= plan.most_deletions


def describe_excess(plan: Plan) -> str:
    """What is too much about a plan that is not within its limit."""
    number, most = len(plan.deletions), plan.most_deletions
    return f"This deletes {number:,} files of {plan.repo}, more than the {most:,} allowed"


def check_deletions(plan: Plan) -> None:
    """Raise DeletionRefused where a plan deletes more than it may."""
    if not is_within_limit(plan):
        raise DeletionRefused(
            f"{describe_excess(plan)}.",
            f"Look at `hfdeploy plan`; if they all shall go, pass --max-delete {len(plan.deletions)}.",
        )

"""What a plan does that its owner may not have meant: said before the first write."""

from collections.abc import Iterable, Iterator

from hfdeploy_core.errors import FileIgnored
from hfdeploy_core.globs import Globs
from hfdeploy_core.model import Plan, RepoType, SetSecret
from hfdeploy_core.planning.deletions import describe_excess, is_within_limit
from hfdeploy_core.planning.parts import count_commits

_NAMED = 10
_DATA = (".arrow", ".parquet")


def find_doubts(plan: Plan) -> Iterator[str]:
    """A sentence for each; none of them stops the deploy."""
    if plan.repo.type is not RepoType.DATASET:
        data = [put.entry.path for put in plan.puts if put.entry.path.endswith(_DATA)]
        if data:
            yield f"{data[0]} is data, for which --type dataset is made; {plan.repo} gets it all the same."
    if (number := count_commits(plan)) > 1:
        needs = "" if plan.allows_partial else ", and needs --allow-partial"
        yield f"This takes {number} commits, each of which readers will see{needs}."
    if not is_within_limit(plan):
        yield f"{describe_excess(plan)}: deploying it needs --max-delete {len(plan.deletions)}."
    for change in plan.settings:
        if isinstance(change, SetSecret) and change.replaces:
            yield f"The secret {change.name} is sent again: nothing tells whether the Hub has this value."


def find_dropped(paths: Iterable[str], gitignore: str, *, is_deployed: bool) -> Iterator[FileIgnored]:
    """A fault where the .gitignore of the repo, by which the Hub drops files silently, names some of `paths`.

    `is_deployed` tells that it is the source's own that will be the repo's.
    """
    spec = Globs(gitignore.splitlines())
    dropped = sorted(path for path in paths if spec.match(path))
    if not dropped:
        return
    rest = f" and {len(dropped) - _NAMED:,} more" if len(dropped) > _NAMED else ""
    named = ", ".join(dropped[:_NAMED]) + rest
    if is_deployed:
        yield FileIgnored(
            f"The .gitignore that is deployed as well keeps the Hub from taking {named}.",
            "Deploy without it (--exclude .gitignore), or take the pattern out of it.",
        )
    else:
        yield FileIgnored(
            f"The repo's own .gitignore keeps the Hub from taking {named}.",
            "Deploy a .gitignore without the pattern, or leave them out with --exclude.",
        )

"""What a plan does that its owner may not have meant: said before the first write."""

from collections.abc import Iterator

from hfdeploy_core.model import Plan, RepoType, SetSecret
from hfdeploy_core.planning.deletions import describe_excess, is_within_limit
from hfdeploy_core.planning.parts import count_commits

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

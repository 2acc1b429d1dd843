"""What other targets can refer to of one: known before it is applied, or from what that led to."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from hfdeploy_core.manifest.references import Kind, Reference
from hfdeploy_core.model import CommitFiles, Outcome, Plan, RepoInfo


def find_facts(name: str, plan: Plan, info: RepoInfo | None, *, is_applied: bool) -> dict[Reference, str]:
    """What is known of a target before its plan is applied, if it will be; `info` is its repo, if there."""
    is_moved = is_applied and any(isinstance(change, CommitFiles) for change in plan.changes)
    return _name(
        name,
        repo_id=plan.repo.id,
        repo_url=info.url if info else None,
        commit=None if is_moved else plan.base,
        space_url=info.app_url if info else None,
    )


def name_facts(name: str, outcome: Outcome) -> dict[Reference, str]:
    """What is known of a target that was applied."""
    return _name(
        name,
        repo_id=outcome.repo_id,
        repo_url=outcome.repo_url,
        commit=outcome.commit,
        space_url=outcome.space_url,
    )


def _name(name: str, **facts: str | None) -> dict[Reference, str]:
    url = facts.get("space_url")
    told: Mapping[str, str | None] = {**facts, "host": urlsplit(url).netloc if url else None}
    return {Reference(Kind.TARGETS, name, fact): value for fact, value in told.items() if value is not None}


def name_relay_facts(name: str, outcome: Outcome) -> dict[Reference, str]:
    """What is known of the relay in front of a target that was applied."""
    url = outcome.proxy_url or None
    return _name(name, repo_id=outcome.proxy_repo_id or None, space_url=url)

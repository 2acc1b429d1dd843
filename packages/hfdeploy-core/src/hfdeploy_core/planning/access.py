"""What an account may do to a repo, as far as it can be told without asking."""

from hfdeploy_core.errors import PermissionRefused
from hfdeploy_core.model import Account, RepoRef


def check_token_may_write(account: Account) -> None:
    """Raise PermissionRefused for a token that was made for reading."""
    if account.role == "read":
        raise PermissionRefused(
            f"The token of {account.name} may only read.",
            "Make a token with the role 'write' in the Hub's settings and set HF_TOKEN to it.",
        )


def check_may_create(account: Account, repo: RepoRef) -> None:
    """Raise PermissionRefused where the account cannot make a repo in this namespace."""
    if owns(account, repo):
        return
    for membership in account.memberships:
        if membership.namespace.lower() == repo.namespace.lower():
            if membership.role == "read":
                raise PermissionRefused(f"{account.name} may only read in the organization {repo.namespace}.")
            return
    raise PermissionRefused(
        f"{account.name} cannot create {repo}: the namespace {repo.namespace} is not theirs.",
        f"Deploy to {account.name}/{repo.name}, or use a token of a member of {repo.namespace}.",
    )


def owns(account: Account, repo: RepoRef) -> bool:
    """Whether the repo lies in the account's own namespace (names differ by case only for display)."""
    return account.name.lower() == repo.namespace.lower()

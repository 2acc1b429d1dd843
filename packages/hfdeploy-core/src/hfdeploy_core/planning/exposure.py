"""Who may use an app: what an account's plan allows, and what to do where the Hub wants money."""

from hfdeploy_core.model import (
    Account,
    Change,
    CreateRepo,
    RepoRef,
    Sdk,
    SetHardware,
    SetVisibility,
    Visibility,
)
from hfdeploy_core.planning.access import owns


def may_protect(account: Account, repo: RepoRef) -> bool:
    """Whether the namespace's plan has protected Spaces: PRO has, and an organization's that is paid for."""
    if owns(account, repo):
        return account.is_pro
    return any(
        membership.is_enterprise
        for membership in account.memberships
        if membership.namespace.lower() == repo.namespace.lower()
    )


def advise_payment(change: Change) -> str | None:
    """What to do where the Hub does not make a change without a paid plan; None: nothing special."""
    match change:
        case SetVisibility(visibility=Visibility.PROTECTED):
            return "Subscribe to PRO or Team, or let callers in by a relay: --exposure relay."
        case CreateRepo(marker=marker) if marker is not None:
            return "Subscribe to a paid plan, which Docker Spaces need, or run hfdeploy-proxy elsewhere."
        case CreateRepo(sdk=Sdk.GRADIO | Sdk.DOCKER | Sdk.STREAMLIT as sdk):
            return f"Subscribe to a paid plan, which {sdk} Spaces need, or deploy a static one."
        case SetHardware(hardware=hardware):
            return f"Add a way to pay in the Hub's settings, or leave out --hardware {hardware}."
    return None

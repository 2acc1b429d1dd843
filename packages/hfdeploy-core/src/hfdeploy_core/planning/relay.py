"""The relay in front of a private Space: what it is called, what it is made of, and what is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hfdeploy_core.errors import NameTaken, RepoNameInvalid, SettingInvalid
from hfdeploy_core.model import (
    Account,
    Marker,
    Remote,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    Target,
    Variable,
    Visibility,
)
from hfdeploy_core.planning.names import parse_repo_id

# What hfdeploy-proxy reads: where its upstream is, and the token that opens it.
ADDRESS = "TARGET_URL"
TOKEN = "HF_TOKEN"

_NAME_ADVICE = "Choose another --proxy-suffix."
_TOKEN_ADVICE = (
    "Make a fine-grained token that may only read {repo}, and name its variable by --proxy-token-env."
)


def name_relay(repo: RepoRef, suffix: str) -> RepoRef:
    """The relay in front of a Space. Raises RepoNameInvalid."""
    relay = replace(repo, name=repo.name + suffix)
    try:
        parse_repo_id(relay.id)
    except RepoNameInvalid as error:
        raise RepoNameInvalid(
            f"The relay cannot be called {relay.id}: {error.message}", _NAME_ADVICE
        ) from None
    if relay == repo:
        raise RepoNameInvalid("The relay needs a name of its own.", _NAME_ADVICE)
    return relay


def check_relayed(target: Target, info: RepoInfo | None) -> None:
    """Raise SettingInvalid where a relay makes no sense: `info` is the repo, where there is one."""
    if target.repo.type is not RepoType.SPACE:
        raise SettingInvalid(
            f"A {target.repo.type} has no app that a relay could stand in front of.",
            "Drop --proxy, or deploy with --type space.",
        )
    visibility = target.visibility or (info.visibility if info else None)
    if visibility is not Visibility.PRIVATE:
        said = (
            f"{target.repo.id} is {visibility}" if visibility else f"Nothing says who sees {target.repo.id}"
        )
        raise SettingInvalid(f"{said}; a relay is for private Spaces.", "Add --private, or drop --proxy.")


def plan_relay(
    repo: RepoRef,
    upstream: RepoRef,
    address: str | None,
    *,
    variables: Mapping[str, str],
    marker: Marker,
    title: str,
) -> Target:
    """The relay `repo` as it should be: open to all, its address and token those of the Space behind it.

    `address` is that of the `upstream`, None where it is not there yet.
    """
    given = {**variables, marker.name: marker.value} | ({ADDRESS: address} if address else {})
    return Target(
        repo,
        title,
        sdk=Sdk.DOCKER,
        visibility=Visibility.PUBLIC,
        mirror=True,
        variables=tuple(Variable(name, value) for name, value in given.items()),
        secrets=(TOKEN,),
        marker=marker,
        upstream=None if address else upstream,
    )


def find_marked(name: str, variables: Iterable[Variable]) -> str | None:
    """What a Space says by its marker whose it is."""
    return next((variable.value for variable in variables if variable.name == name), None)


def check_marked(marker: Marker, remote: Remote, *, is_fresh: bool, owner: RepoRef | None) -> None:
    """Raise NameTaken where nothing shows that the Space is ours.

    `is_fresh` says that nobody has put anything into it yet, `owner` what is called now as its marker says.
    """
    repo = remote.info.repo
    told = find_marked(marker.name, remote.variables)
    if told is None or not (is_fresh or not marker.file or any(f.path == marker.file for f in remote.files)):
        raise NameTaken(f"There is a {repo} already, and it was not made by hfdeploy for {marker.value}.")
    if told != marker.value and (owner is None or owner.id != marker.value):
        raise NameTaken(f"There is a {repo} already, and it belongs to {told}, not to {marker.value}.")


def check_relay_token(account: Account, repo: RepoRef, *, named: str, is_strict: bool) -> None:
    """Raise SettingInvalid where a strict relay would get a token that may write.

    `named` is what the token is called.
    """
    if is_strict and may_write(account):
        raise SettingInvalid(
            f"{named} may write, and --strict forbids that.", _TOKEN_ADVICE.format(repo=repo.id)
        )


def may_write(account: Account) -> bool:
    """Whether the token can change anything; where the Hub does not say, it can."""
    if account.role == "fineGrained":
        return not account.permissions or any(".write" in permission for permission in account.permissions)
    return account.role != "read"


def recommend_token(repo: RepoRef) -> str:
    """What to say where the relay gets the token that deploys."""
    return (
        f"The relay of {repo.id} gets the very token that deploys, which can change all that you can."
        f" {_TOKEN_ADVICE.format(repo=repo.id)}"
    )

"""The façade for finding out why something does not work: credentials, rights, and the way to the Hub."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from hfdeploy_core.deployment import enter
from hfdeploy_core.errors import DeployError
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.credentials import name_credential, read_identity
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Account, RepoRef, RepoType
from hfdeploy_core.options import read_target
from hfdeploy_core.planning.access import check_may_create, check_token_may_write
from hfdeploy_core.planning.findings import (
    Finding,
    Level,
    find_error,
    judge_clock,
    judge_limit,
    judge_resource,
    list_claims,
    read_claims,
)
from hfdeploy_core.redact import redact

_DISTRIBUTIONS = ("hfdeploy-core", "huggingface_hub", "hf-xet")


def diagnose(
    repo: str | None = None,
    *,
    repo_type: RepoType | str = RepoType.SPACE,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> Iterator[Finding]:
    """Look at everything that a deploy to `repo` needs, without changing anything. No token is told."""
    asked = None if repo is None else read_target(repo, {"repo_type": repo_type}).repo
    yield _name_versions()
    with enter(hub, on_event) as connected:
        try:
            connection = connected.check_connection()
        except DeployError as error:
            yield find_error("network", error)
            return
        milliseconds = connection.latency_seconds * 1000
        yield Finding(Level.OK, "network", f"{connection.endpoint} answers in {milliseconds:.0f} ms")
        yield judge_clock(connection.ahead_seconds)
        yield judge_limit(connection.requests_left, connection.requests_most)
        yield Finding(Level.OK, "credential", name_credential() or "none")
        try:
            account = connected.whoami()
        except DeployError as error:
            yield find_error("identity", error)
            yield from _tell_claims()
            return
        yield _describe(account)
        if asked is not None:
            yield _judge_rights(connected, account, asked)


def _name_versions() -> Finding:
    named = [f"{name} {_find_version(name)}" for name in _DISTRIBUTIONS]
    system = f"Python {platform.python_version()} on {platform.system()}"
    git = "git" if shutil.which("git") else "no git: every source is read whole"
    return Finding(Level.OK, "versions", ", ".join([*named, system, git]))


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _describe(account: Account) -> Finding:
    others = ", ".join(f"{member.namespace} ({member.role})" for member in account.memberships)
    words = f"{account.name}, with a token of the role {account.role or 'unknown'}"
    return Finding(Level.OK, "identity", f"{words}; organizations: {others or 'none'}")


def _judge_rights(hub: Hub, account: Account, asked: RepoRef) -> Finding:
    repo = asked if asked.namespace else RepoRef(asked.type, account.name, asked.name)
    try:
        info = hub.find_repo(repo)
        if resource := os.environ.get("HF_OIDC_RESOURCE"):
            refused = judge_resource(resource, f"{repo.type}s/{repo.id}", exists=info is not None)
            if refused is not None:
                return refused
        if info is not None:
            hub.check_write(info.repo)
            return Finding(Level.OK, "rights", f"may write to {info.repo}")
        check_token_may_write(account)
        check_may_create(account, repo)
    except DeployError as error:
        return find_error("rights", error)
    return Finding(Level.OK, "rights", f"may create {repo}, as far as can be told")


def _tell_claims() -> Iterator[Finding]:
    """Where the Hub refuses the job's identity: what it says of itself."""
    if not os.environ.get("HF_OIDC_RESOURCE"):
        return
    identity = read_identity()
    claims = None if identity is None else read_claims(identity)
    if claims is None:
        yield Finding(
            Level.WARNING,
            "claims",
            "This job has no identity token that could be read.",
            "In GitHub Actions give the job `permissions: id-token: write`; elsewhere set HF_OIDC_ID_TOKEN.",
        )
    else:
        yield list_claims({name: redact(value) for name, value in claims.items()})

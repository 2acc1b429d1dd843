"""The job's own identity in place of a stored token: OIDC, which the Hub calls trusted publishers."""

from collections.abc import Mapping

from hfdeploy_core import RepoType
from hfdeploy_core.errors import TokenRejected

_PREFIXES = {RepoType.MODEL: "", RepoType.DATASET: "datasets/", RepoType.SPACE: "spaces/"}
_CLAIMS = {
    "repository": "GITHUB_REPOSITORY",
    "ref": "GITHUB_REF",
    "workflow_ref": "GITHUB_WORKFLOW_REF",
    "event_name": "GITHUB_EVENT_NAME",
}


def name_resource(repo: str, repo_type: RepoType) -> str:
    """The one repo that the token will be good for, as the Hub writes it."""
    return f"{_PREFIXES[repo_type]}{repo}"


def advise(refused: TokenRejected, resource: str, environment: Mapping[str, str]) -> TokenRejected:
    """The refusal with the claims that a trusted publisher has to be registered with."""
    claims = [f"{claim}: {environment[name]}" for claim, name in _CLAIMS.items() if environment.get(name)]
    return TokenRejected(
        refused.message,
        f"In the settings of {resource} on the Hub, register a trusted publisher with claims of this job,"
        f" to the letter: {'; '.join(claims)}. The repo has to exist: an identity cannot create one.",
    )

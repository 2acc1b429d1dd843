"""The job's own identity in place of a stored token: OIDC, which the Hub calls trusted publishers."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hfdeploy_action.errors import IdentityMissing
from hfdeploy_core import RepoType
from hfdeploy_core.errors import TokenRejected

REQUEST_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_PREFIXES = {RepoType.MODEL: "", RepoType.DATASET: "datasets/", RepoType.SPACE: "spaces/"}
# Those that tell one workflow from another.
_TELLING = ("repository", "ref", "environment", "workflow_ref", "event_name")
_TIMEOUT_SECONDS = 30


def name_resource(repo: str, repo_type: RepoType) -> str:
    """The one repo that the token will be good for, as the Hub writes it."""
    return f"{_PREFIXES[repo_type]}{repo}"


def ask_identity(environment: Mapping[str, str], audience: str) -> str:
    """The job's identity as a JSON web token for the Hub, from GitHub. Raises IdentityMissing.

    Asked for here, as huggingface_hub 2.4 would lose the query of GitHub's address.
    """
    url = environment.get(REQUEST_URL, "")
    request = urllib.request.Request(  # noqa: S310  the runner's own address
        f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}",
        headers={"Authorization": f"Bearer {environment.get(_REQUEST_TOKEN, '')}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)["value"])
    except urllib.error.HTTPError as error:
        with error:
            reason = str(error.code)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = type(error).__name__
    raise IdentityMissing(f"GitHub does not tell the identity of this job ({reason}).")


def read_claims(identity: str) -> dict[str, Any]:
    """What a JSON web token claims; nothing where it cannot be read."""
    try:
        payload = identity.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def advise(refused: TokenRejected, resource: str, claims: Mapping[str, Any]) -> TokenRejected:
    """The refusal with the claims that a trusted publisher has to be registered with."""
    told = "; ".join(f"{name}: {claims[name]}" for name in _TELLING if claims.get(name))
    return TokenRejected(
        refused.message,
        f"In the settings of {resource} on the Hub, register a trusted publisher with claims of this job,"
        f" to the letter: {told or 'see the log'}. The repo has to exist: an identity cannot create one.",
    )

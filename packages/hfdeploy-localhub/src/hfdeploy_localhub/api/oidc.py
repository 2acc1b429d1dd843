"""Keyless access: a CI job's identity token for a short-lived token of one repo (RFC 8693).

On the real Hub the identity token comes from the CI provider. Here the hub issues it itself, at an address
that can stand in for the provider's, so that a job can be rehearsed.
"""

import base64
from datetime import timedelta
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from hfdeploy_localhub.api.context import PUBLISHER_PREFIX, CurrentHub, CurrentUser, base_url
from hfdeploy_localhub.errors import BadRequest, Forbidden
from hfdeploy_localhub.oidc import decide_publisher, parse_resource

router = APIRouter()

_LIFETIME = timedelta(hours=1)
# A JSON web token (RFC 7519) is read by others too; its signature is nobody's but this hub's to check.
_JWT_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
_OWN = ("iss", "aud", "exp")
_IDENTITY_LIFETIME = timedelta(minutes=10)


class Exchange(BaseModel):
    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token_type: Literal["urn:ietf:params:oauth:token-type:id_token"]
    subject_token: str
    resource: str


@router.get("/__localhub__/oidc/token")
def issue_identity(request: Request, hub: CurrentHub, caller: CurrentUser) -> dict[str, Any]:
    """An identity token with the claims in the query, as a CI provider's token service answers.

    Ask with any user's token and put the answer's value into HF_OIDC_ID_TOKEN. This address would lose its
    query as ACTIONS_ID_TOKEN_REQUEST_URL: huggingface_hub 2.4.0 puts another in its place.
    """
    claims = dict(request.query_params)
    audience = claims.pop("audience", base_url(request))
    identity = {**claims, "iss": base_url(request), "aud": audience}
    signed = hub.signer.sign("identity", identity, hub.store.now() + _IDENTITY_LIFETIME)
    return {"value": f"{_JWT_HEADER}.{signed}"}


@router.post("/oauth/token")
def exchange(body: Exchange, request: Request, hub: CurrentHub) -> dict[str, Any]:
    """Raises BadRequest for a token or resource that cannot be read, Forbidden where no publisher matches."""
    signed = body.subject_token.removeprefix(f"{_JWT_HEADER}.")
    identity = hub.signer.verify("identity", signed, hub.store.now())
    if identity is None:
        raise BadRequest("The identity token is not valid, or no longer.")
    if identity["aud"] != base_url(request):
        raise BadRequest(f"The identity token is meant for {identity['aud']!r}, not for this hub.")
    type, namespace, name = parse_resource(body.resource)
    repo = hub.store.repos.find(type, namespace, name)
    publisher = decide_publisher(hub.store.publishers.of(repo), identity) if repo else None
    if repo is None or publisher is None:
        told = ", ".join(f"{key}={value}" for key, value in sorted(identity.items()) if key not in _OWN)
        raise Forbidden(f"No trusted publisher of {body.resource} matches these claims: {told or 'none'}.")
    claims = {"repo": repo.id, "user": publisher.user_id}
    secret = PUBLISHER_PREFIX + hub.signer.sign("publisher", claims, hub.store.now() + _LIFETIME)
    return {
        "access_token": secret,
        "token_type": "bearer",
        "expires_in": int(_LIFETIME.total_seconds()),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }

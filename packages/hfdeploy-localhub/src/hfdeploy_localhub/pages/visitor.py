"""Who looks at the pages: a session that a token was exchanged for, good for pages alone.

The cookie holds no token, and no route of the API takes it. Cookies do not know ports: every Space of this
hub is on the same host, so the gateway keeps this one from apps (``spaces.headers``), and whatever changes
something has to come from a page of the hub itself.
"""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from hfdeploy_localhub.api.context import Hub, base_url, check_write, find_visible, get_hub, get_type
from hfdeploy_localhub.errors import Forbidden, HubError, InvalidCredentials, NotFound, RepoNotFound
from hfdeploy_localhub.model import Caller, Repo, RepoType, Right, decide_right
from hfdeploy_localhub.signing import COOKIE_PREFIX, Signer
from hfdeploy_localhub.store.accounts import digest_token

_LIFETIME = timedelta(hours=12)


def begin_session(hub: Hub, response: Response, token: str) -> None:
    """Lets the browser come back as the token's user. Raises InvalidCredentials."""
    if hub.store.accounts.caller(token, hub.store.now()).anonymous:
        raise InvalidCredentials
    claims = {"token": digest_token(token)}
    word = hub.signer.sign("session", claims, hub.store.now() + _LIFETIME)
    response.set_cookie(
        _cookie_name(hub.signer),
        word,
        max_age=int(_LIFETIME.total_seconds()),
        httponly=True,
        samesite="strict",
    )


def end_session(hub: Hub, response: Response) -> None:
    response.delete_cookie(_cookie_name(hub.signer), httponly=True, samesite="strict")


def get_visitor(request: Request) -> Caller:
    """The user of this session as far as its token goes; a stranger without one, or with one that is over."""
    hub = get_hub(request)
    word = request.cookies.get(_cookie_name(hub.signer), "")
    claims = hub.signer.verify("session", word, hub.store.now())
    if claims is None:
        return Caller()
    try:
        return hub.store.accounts.caller_of(claims["token"], hub.store.now())
    except HubError:
        return Caller()


Visitor = Annotated[Caller, Depends(get_visitor)]


def get_seen_repo(request: Request, visitor: Visitor) -> Repo:
    """The repo in the path, if the visitor may see it. Raises NotFound, MovedError."""
    return _find(request, visitor, get_type(request))


def get_seen_bucket(request: Request, visitor: Visitor) -> Repo:
    """As ``get_seen_repo``."""
    return _find(request, visitor, "bucket")


def _find(request: Request, visitor: Caller, type: RepoType) -> Repo:
    try:
        return find_visible(request, visitor, type)
    except RepoNotFound:
        raise NotFound("There is no such repo here, or it is private and you may not see it.") from None


SeenRepo = Annotated[Repo, Depends(get_seen_repo)]
SeenBucket = Annotated[Repo, Depends(get_seen_bucket)]


def get_seen_space(repo: SeenRepo) -> Repo:
    if repo.type != "space":
        raise NotFound("That is no Space.")
    return repo


SeenSpace = Annotated[Repo, Depends(get_seen_space)]


def may_write(visitor: Caller, repo: Repo) -> bool:
    return decide_right(visitor, repo) >= Right.WRITE


def check_origin(request: Request) -> None:
    """Raises Forbidden unless a page of this hub sent the form: an app of a Space may not (RFC 6454)."""
    if urlsplit(request.headers.get("origin", "")).netloc != urlsplit(base_url(request)).netloc:
        raise Forbidden("This form has to be sent from a page of the hub.")


def check_may_act(request: Request, visitor: Caller, repo: Repo) -> None:
    check_origin(request)
    check_write(visitor, repo)


def sign_visit(hub: Hub, space: Repo) -> str:
    """A word that opens a private Space's app to this browser (``spaces.visits``) as long as a session."""
    return hub.signer.sign("visit", {"space": space.id}, hub.store.now() + _LIFETIME)


def _cookie_name(signer: Signer) -> str:
    """Its own for each data folder: hubs on other ports share the browser's cookies."""
    return f"{COOKIE_PREFIX}session-{signer.derive_name('session')}"

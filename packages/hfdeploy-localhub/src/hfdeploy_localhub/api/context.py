"""What every route needs to know about its request: the hub, the caller, the repo, the revision."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Annotated, cast
from urllib.parse import unquote

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from hfdeploy_localhub.courier import Courier
from hfdeploy_localhub.errors import Forbidden, GatedRepo, InvalidCredentials, NotFound, RepoNotFound
from hfdeploy_localhub.faults import Faults
from hfdeploy_localhub.model import (
    TYPES_BY_PREFIX,
    AccessToken,
    Caller,
    GitType,
    Repo,
    RepoType,
    Right,
    Scope,
    decide_propose,
    decide_right,
)
from hfdeploy_localhub.requests import Requests
from hfdeploy_localhub.signing import Signer
from hfdeploy_localhub.spaces import Spaces
from hfdeploy_localhub.store.git import GitRepository
from hfdeploy_localhub.store.store import Store

PUBLISHER_PREFIX = "hf_jwt_"
_MAX_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class Hub:
    """What the routes work with."""

    store: Store
    signer: Signer
    spaces: Spaces
    faults: Faults = field(default_factory=Faults)
    requests: Requests = field(default_factory=Requests)
    courier: Courier = field(default_factory=Courier)


class MovedError(Exception):
    """The repo has another name now; the same route is to be asked under that one."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class Body(BaseModel):
    """A JSON body: camelCase outside, snake_case inside; keys that we do not know are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


def get_hub(request: Request) -> Hub:
    return cast("Hub", request.state.hub)


def get_store(request: Request) -> Store:
    return get_hub(request).store


def get_caller(request: Request) -> Caller:
    """Who sends the request. Raises InvalidCredentials for a token that is not this hub's."""
    store = get_store(request)
    secret = read_token(request.headers.get("authorization"))
    if secret is not None and secret.startswith(PUBLISHER_PREFIX):
        return _get_publisher(get_hub(request), secret)
    return store.accounts.caller(secret, store.now())


def _get_publisher(hub: Hub, secret: str) -> Caller:
    """Who a trusted publisher's token speaks for: the user who trusts it, in one repo. See api/oidc.py."""
    claims = hub.signer.verify("publisher", secret.removeprefix(PUBLISHER_PREFIX), hub.store.now())
    repo = hub.store.repos.get(claims["repo"]) if claims else None
    user = hub.store.accounts.get(claims["user"]) if claims else None
    if repo is None or user is None:
        raise InvalidCredentials
    scope = Scope(repo.type, repo.full_name, frozenset({"repo.content.read", "repo.write"}))
    return hub.store.accounts.caller_as(user, AccessToken("fineGrained", "trusted publisher", (scope,)))


def read_token(authorization: str | None) -> str | None:
    """The token in an Authorization header: Bearer, or the password of Basic as git sends it."""
    if not authorization:
        return None
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip() or None
        case "basic":
            try:
                user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise InvalidCredentials from None
            return password or user or None
    raise InvalidCredentials


def get_user(caller: Annotated[Caller, Depends(get_caller)]) -> Caller:
    """A caller with an account. Raises InvalidCredentials for strangers."""
    if caller.anonymous:
        raise InvalidCredentials("Invalid username or password.")
    return caller


def get_type(request: Request) -> GitType:
    """The type a path names by its prefix; web paths of models have none."""
    try:
        return TYPES_BY_PREFIX[request.path_params.get("types", "models")]
    except KeyError:
        raise NotFound("Not found") from None


def get_repo(request: Request, caller: Annotated[Caller, Depends(get_caller)]) -> Repo:
    """The repo in the path, if the caller may see it. Raises RepoNotFound, MovedError."""
    return find_visible(request, caller, get_type(request))


def find_visible(request: Request, caller: Caller, type: RepoType) -> Repo:
    """As ``get_repo``, for paths that name no type."""
    parameters = request.path_params
    names = (type, unquote(parameters["namespace"]), unquote(parameters["name"]))
    repos = get_store(request).repos
    repo = repos.find(*names) or repos.find_moved(*names)
    if repo is None or decide_right(caller, repo) < Right.READ:
        raise RepoNotFound(anonymous=caller.anonymous)
    if (repo.namespace.lower(), repo.name.lower()) != (names[1].lower(), names[2].lower()):
        raise MovedError(_rename_in(request, repo))
    return repo


def get_participant(
    repo: Annotated[Repo, Depends(get_repo)], caller: Annotated[Caller, Depends(get_user)]
) -> Caller:
    """A caller who may have a part in the repo, if only as everybody may. Raises Forbidden."""
    check_propose(caller, repo)
    return caller


def get_space(
    repo: Annotated[Repo, Depends(get_repo)], caller: Annotated[Caller, Depends(get_caller)]
) -> Repo:
    """A Space under ``/api/spaces``."""
    if repo.type != "space":
        raise RepoNotFound(anonymous=caller.anonymous)
    return repo


def get_own_repo(
    repo: Annotated[Repo, Depends(get_repo)], caller: Annotated[Caller, Depends(get_caller)]
) -> Repo:
    """A repo that the caller may change. Raises Forbidden, or RepoNotFound."""
    check_write(caller, repo)
    return repo


def get_extensible_repo(
    request: Request,
    repo: Annotated[Repo, Depends(get_repo)],
    caller: Annotated[Caller, Depends(get_caller)],
    create_pr: bool = False,
) -> Repo:
    """A repo that the caller may change, or propose a change to: any user who sees it may, by a pull
    request, and its author may go on to extend that. Raises as get_own_repo.
    """
    check_propose(caller, repo)
    if not create_pr and not _is_own_pull_request(request, repo, caller):
        check_write(caller, repo)
    return repo


def _is_own_pull_request(request: Request, repo: Repo, caller: Caller) -> bool:
    revision = unquote(request.path_params.get("revision", ""))
    num = revision.removeprefix("refs/pr/")
    if num == revision or not num.isdecimal() or caller.user is None:
        return False
    discussion = get_store(request).discussions.find(repo, int(num))
    return discussion is not None and discussion.author == caller.user.name


def get_open_repo(
    request: Request,
    repo: Annotated[Repo, Depends(get_repo)],
    caller: Annotated[Caller, Depends(get_caller)],
) -> Repo:
    """A repo whose files the caller may read. Raises GatedRepo."""
    check_open(get_store(request), caller, repo)
    return repo


def check_open(store: Store, caller: Caller, repo: Repo) -> None:
    """Raises GatedRepo if the caller sees the repo, but was not let in to its files."""
    if repo.gated is not None and decide_right(caller, repo) < Right.WRITE:
        granted = caller.user and store.access_requests.find(repo, caller.user)
        if not granted or granted.status != "accepted":
            raise GatedRepo(repo.type, repo.full_name, anonymous=caller.anonymous)


def check_propose(caller: Caller, repo: Repo) -> None:
    """Raises as check_write."""
    if caller.anonymous:
        raise InvalidCredentials("Invalid username or password.")
    if not decide_propose(caller, repo):
        raise Forbidden(f"This token only reads {repo.full_name}: a write token is needed.")


def check_write(caller: Caller, repo: Repo) -> None:
    if decide_right(caller, repo) < Right.WRITE:
        if caller.anonymous:
            raise InvalidCredentials("Invalid username or password.")
        raise Forbidden(
            f"You don't have the rights to change {repo.full_name}: its owner's write token is needed."
        )


def get_git(request: Request, repo: Annotated[Repo, Depends(get_repo)]) -> GitRepository:
    return get_store(request).git(repo)


def base_url(request: Request) -> str:
    """The endpoint as the client wrote it, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def web_url(request: Request, repo: Repo) -> str:
    return f"{base_url(request)}/{repo.web_path}"


def _rename_in(request: Request, repo: Repo) -> str:
    """This request's path and query with the repo's present name."""
    parameters = request.path_params
    old, new = f"/{parameters['namespace']}/{parameters['name']}", f"/{repo.full_name}"
    path = request.scope["path"].replace(old, new, 1)
    return f"{path}?{request.url.query}" if request.url.query else path


Decoded = Annotated[str, Path(), AfterValidator(unquote)]
"""A part of the path: matched as it came, so that an encoded slash does not split it, then decoded."""

PageCursor = Annotated[int | None, Query(ge=0, le=_MAX_NUMBER)]
"""Where a page begins, told by the page before."""

Number = Annotated[int, Path(ge=0, le=_MAX_NUMBER)]
"""A number in a path."""

CurrentHub = Annotated[Hub, Depends(get_hub)]
CurrentStore = Annotated[Store, Depends(get_store)]
CurrentCaller = Annotated[Caller, Depends(get_caller)]
CurrentUser = Annotated[Caller, Depends(get_user)]
CurrentParticipant = Annotated[Caller, Depends(get_participant)]
CurrentType = Annotated[GitType, Depends(get_type)]
VisibleRepo = Annotated[Repo, Depends(get_repo)]
OpenRepo = Annotated[Repo, Depends(get_open_repo)]
ExtensibleRepo = Annotated[Repo, Depends(get_extensible_repo)]
OwnRepo = Annotated[Repo, Depends(get_own_repo)]
VisibleSpace = Annotated[Repo, Depends(get_space)]
RepoContent = Annotated[GitRepository, Depends(get_git)]

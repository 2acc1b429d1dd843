"""Whatever no other route knows: still an answer in the API's own form."""

from urllib.parse import unquote

from fastapi import APIRouter, Request, Response

from hfdeploy_localhub.api.context import CurrentCaller, CurrentStore, CurrentType
from hfdeploy_localhub.errors import NotFound, RepoNotFound
from hfdeploy_localhub.model import Right, decide_right

router = APIRouter()
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@router.api_route("/api/{types}/{rest:path}", methods=_METHODS)
def refuse_api(
    request: Request, store: CurrentStore, caller: CurrentCaller, type: CurrentType, rest: str
) -> Response:
    """A repo that is not there (ids without a namespace come here too), or a route that is not."""
    namespace, name, *_ = [*map(unquote, rest.split("/")), "", ""]
    repo = store.repos.find(type, namespace, name)
    if repo is None or decide_right(caller, repo) < Right.READ:
        raise RepoNotFound(anonymous=caller.anonymous)
    raise NotFound(f"This hub has no {request.method} {request.url.path}")


@router.api_route("/{name}/resolve/{rest:path}", methods=["GET", "HEAD"])
def refuse_download(caller: CurrentCaller, name: str) -> Response:
    """Repos without a namespace do not exist here."""
    raise RepoNotFound(anonymous=caller.anonymous)

"""The relay's pages: whether the process lives, whether it can relay, what it has counted."""

from collections.abc import Callable
from dataclasses import replace

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from hfdeploy_proxy.operations.metrics import CONTENT_TYPE, Metrics
from hfdeploy_proxy.rules.errors import (
    METHOD_REFUSED,
    PAGE_UNKNOWN,
    Problem,
    RequestRefused,
    UpstreamError,
)
from hfdeploy_proxy.rules.guard import Guard

PREFIX = "/_relay/"

_REFUSALS = {404: PAGE_UNKNOWN, 405: replace(METHOD_REFUSED, extra=((b"allow", b"GET, HEAD"),))}


def create_operations(
    check_ready: Callable[[], None], *, metrics: Metrics | None, guard: Guard, docs: bool
) -> FastAPI:
    """The relay's own application. ``check_ready`` raises what stands in the way. Metrics need a key, if
    anything does.
    """
    app = FastAPI(
        title="hfdeploy-proxy",
        docs_url=f"{PREFIX}docs" if docs else None,
        redoc_url=None,
        openapi_url=f"{PREFIX}openapi.json" if docs else None,
        redirect_slashes=False,
    )

    @app.exception_handler(HTTPException)
    async def _refused(_: Request, error: HTTPException) -> Response:
        return _problem(_REFUSALS[error.status_code])

    @app.head(f"{PREFIX}healthz", include_in_schema=False)
    @app.get(f"{PREFIX}healthz")
    async def _healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.head(f"{PREFIX}readyz", include_in_schema=False)
    @app.get(f"{PREFIX}readyz")
    async def _readyz(response: Response) -> dict[str, str]:
        try:
            check_ready()
        except UpstreamError as error:
            response.status_code = 503
            return {"status": "not ready", "reason": error.problem.detail}
        return {"status": "ok"}

    if metrics is not None:

        @app.head(f"{PREFIX}metrics", include_in_schema=False)
        @app.get(f"{PREFIX}metrics")
        async def _metrics(request: Request) -> Response:
            try:
                guard.find_key(request.scope["headers"])
            except RequestRefused as error:
                return _problem(error.refusal)
            return Response(metrics.render(), media_type=CONTENT_TYPE)

    return app


def _problem(problem: Problem) -> Response:
    body = problem.body()
    headers = {name.decode(): value.decode() for name, value in problem.headers(body)}
    return Response(body, problem.status, headers)

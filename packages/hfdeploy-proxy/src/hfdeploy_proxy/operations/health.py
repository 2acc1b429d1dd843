"""Whether the process lives, and whether it can relay."""

from collections.abc import Callable

from fastapi import FastAPI, Response

from hfdeploy_proxy.rules.errors import UpstreamError

PREFIX = "/_relay/"


def create_operations(check_ready: Callable[[], None]) -> FastAPI:
    """The relay's own application. ``check_ready`` raises what stands in the way."""
    app = FastAPI(title="hfdeploy-proxy", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/_relay/healthz")
    async def _healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/_relay/readyz")
    async def _readyz(response: Response) -> dict[str, str]:
        try:
            check_ready()
        except UpstreamError as error:
            response.status_code = 503
            return {"status": "not ready", "reason": error.problem.detail}
        return {"status": "ok"}

    return app

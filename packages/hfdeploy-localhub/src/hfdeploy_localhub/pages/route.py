"""What all routes of the pages are like: a refusal is a page too."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from hfdeploy_localhub.api.sending import send_range
from hfdeploy_localhub.errors import HubError
from hfdeploy_localhub.pages.rendering import render
from hfdeploy_localhub.pages.views import find_image_type
from hfdeploy_localhub.pages.visitor import get_visitor
from hfdeploy_localhub.store.content import Content


class PageRoute(APIRoute):
    """Answers browsers with a page, others as the API does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                return await handle(request)
            except HubError as refusal:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                return _show_refusal(request, refusal)

        return handle_for_people


def make_router() -> APIRouter:
    return APIRouter(route_class=PageRoute)


def send_bytes(request: Request, content: bytes | Content, path: str) -> Response:
    """A file for this visitor: a picture to show, or a download. Never a page of this origin."""
    image = find_image_type(path)
    headers = {
        "Content-Type": image or "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cache-Control": "no-store",
    }
    if image is None:
        headers["Content-Disposition"] = "attachment"
    return send_range(request, content, headers)


def _show_refusal(request: Request, refusal: HubError) -> Response:
    status = refusal.answer_status
    return render(
        "error.html",
        status=status,
        visitor=get_visitor(request),
        title="Not here" if status == 404 else "Not like that",
        message=refusal.message,
    )

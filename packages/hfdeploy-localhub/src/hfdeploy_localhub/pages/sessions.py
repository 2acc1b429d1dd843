"""Signing in and out."""

from urllib.parse import parse_qs

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from hfdeploy_localhub.api.context import CurrentHub
from hfdeploy_localhub.errors import InvalidCredentials, TooLarge
from hfdeploy_localhub.pages.rendering import render
from hfdeploy_localhub.pages.route import make_router
from hfdeploy_localhub.pages.visitor import Visitor, begin_session, check_origin, end_session

_MOST_FORM_BYTES = 10_000

router = make_router()


@router.get("/-/sign-in")
def show_sign_in(visitor: Visitor) -> Response:
    return render("sign_in.html", visitor=visitor, fault=None)


@router.post("/-/sign-in")
async def sign_in(request: Request, hub: CurrentHub, visitor: Visitor) -> Response:
    check_origin(request)
    token = parse_qs(await _read_form(request)).get("token", [""])[0]
    response = RedirectResponse("/", status_code=303)
    try:
        begin_session(hub, response, token.strip())
    except InvalidCredentials:
        return render("sign_in.html", status=401, visitor=visitor, fault="This hub does not know that token.")
    return response


@router.post("/-/sign-out")
def sign_out(request: Request, hub: CurrentHub) -> Response:
    check_origin(request)
    response = RedirectResponse("/", status_code=303)
    end_session(hub, response)
    return response


async def _read_form(request: Request) -> str:
    """A small form as it was sent. Raises TooLarge."""
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > _MOST_FORM_BYTES:
            raise TooLarge("This form is too long.")
    return text.decode(errors="replace")

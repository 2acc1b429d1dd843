"""The gateway's own answers: small pages for a Space that does not answer by itself. Pure."""

from dataclasses import dataclass
from html import escape

from hfdeploy_localhub.spaces.headers import Header
from hfdeploy_localhub.spaces.stages import Stage

_RETRY_AFTER_SECONDS = 2

_MEANINGS = {
    Stage.NO_APP_FILE: "has no application file",
    Stage.CONFIG_ERROR: "has a configuration error",
    Stage.BUILDING: "is building",
    Stage.BUILD_ERROR: "could not be built",
    Stage.APP_STARTING: "is starting",
    Stage.RUNTIME_ERROR: "has stopped with a runtime error",
    Stage.STOPPED: "is stopped",
    Stage.PAUSED: "is paused; its owner can restart it",
    Stage.DELETING: "is being deleted",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer: status, headers with the length, body."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def plan_page(status: int, title: str, text: str, extra: tuple[Header, ...] = ()) -> Page:
    """A page of one heading and one sentence."""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<h1>{escape(title)}</h1><p>{escape(text)}</p></html>\n"
    ).encode()
    fixed = ((b"Content-Type", b"text/html; charset=utf-8"), (b"Content-Length", str(len(body)).encode()))
    return Page(status, (*fixed, (b"Cache-Control", b"no-store"), *extra), body)


def plan_not_found() -> Page:
    """A private Space, to those who may not know of it."""
    return plan_page(404, "404", "Sorry, we can't find the page you are looking for.")


def plan_refusal(status: int, text: str) -> Page:
    """A request that is none. What follows it on the connection cannot be trusted: that ends here."""
    return plan_page(status, str(status), text, ((b"Connection", b"close"),))


def plan_unavailable(stage: Stage) -> Page:
    """A Space that cannot answer now; `Retry-After` while that will change by itself."""
    retry = ((b"Retry-After", str(_RETRY_AFTER_SECONDS).encode()),) if stage.is_on_its_way else ()
    extra = ((b"X-Space-Stage", stage.value.encode()), *retry)
    return plan_page(503, stage.value, f"This Space {_MEANINGS.get(stage, 'cannot answer')}.", extra)

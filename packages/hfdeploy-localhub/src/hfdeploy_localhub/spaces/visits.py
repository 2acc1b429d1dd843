"""How a browser that was let in on the hub's pages is let in at a private Space too. Pure.

A browser sends no token with the address of a frame. The hub's page signs a word into that address, which the
gateway exchanges for a cookie, so that neither the app nor what it links to sees it. The Hub does it alike.
"""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from hfdeploy_localhub.spaces.pages import Page, plan_page

PARAMETER = "__sign"


@dataclass(frozen=True, slots=True)
class Visit:
    """The signed word in a request's target, and the target without it."""

    word: str
    target: bytes


def find_visit(target: bytes) -> Visit | None:
    """What is signed into a target, if anything; whether it holds is another question."""
    path, _, query = target.partition(b"?")
    start = f"{PARAMETER}=".encode()
    words = [part.removeprefix(start) for part in query.split(b"&") if part.startswith(start)]
    if not words:
        return None
    rest = b"&".join(part for part in query.split(b"&") if not part.startswith(start))
    return Visit(unquote_to_bytes(words[0]).decode("latin-1"), path + (b"?" + rest if rest else b""))


def plan_entrance(visit: Visit, cookie: str) -> Page:
    """The same address without the word, which comes back as a cookie. ``//host`` must not lead elsewhere."""
    location = b"/" + visit.target.lstrip(b"/")
    kept = f"{cookie}={visit.word}; Path=/; HttpOnly; SameSite=Lax".encode("latin-1")
    extra = ((b"Location", location), (b"Set-Cookie", kept), (b"Referrer-Policy", b"no-referrer"))
    return plan_page(303, "303", "This way, please.", extra)

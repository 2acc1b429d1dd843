"""What to ask a running app, and whether its answer will do (pure)."""

import json
import re
from dataclasses import dataclass
from typing import Any

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.space import AppReply

_FORM = re.compile(
    r"(?P<ws>ws:)?(?P<path>/[^\s=]*(?:=(?!\d{3}(?:\s|$))[^\s=]*)*)(?:=(?P<status>\d{3}))?(?:\s+(?P<expected>.+))?",
    re.DOTALL,
)
_REMEDY = (
    "Write PATH, PATH=STATUS, 'PATH text=WORDS' or 'PATH json={...}', or ws:PATH for a WebSocket;"
    " for example --probe /health=200."
)
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Probe:
    """One request to the app. Without `status` any of 200 to 299 will do.

    `text` has to be in the body; `fields` has to be in its JSON, which may hold more.
    """

    path: str
    status: int | None = None
    text: str | None = None
    fields: Any = None
    is_websocket: bool = False


def parse_probe(text: str) -> Probe:
    """The probe in a text such as `/health=200 text=ready`. Raises SettingInvalid."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise SettingInvalid(f"{text!r} is no probe.", _REMEDY)
    status = int(found["status"]) if found["status"] else None
    words, fields = _read_expected(text, found["expected"] or "")
    is_websocket = bool(found["ws"])
    if is_websocket and (status or words or fields is not None):
        raise SettingInvalid(f"{text!r} expects an answer of a WebSocket, which is only opened.", _REMEDY)
    return Probe(found["path"], status, words, fields, is_websocket)


def find_fault(probe: Probe, reply: AppReply) -> str | None:
    """What is wrong with an answer, in words; None if it will do."""
    if probe.is_websocket:
        return None if reply.status == 101 else f"{probe.path} answered {reply.status}, not a WebSocket"
    if probe.status is None and not 200 <= reply.status < 300:
        return f"{probe.path} answered {reply.status}"
    if probe.status is not None and reply.status != probe.status:
        return f"{probe.path} answered {reply.status}, not {probe.status}"
    if probe.text is not None and probe.text not in reply.body:
        return f"{probe.path} answered without {probe.text!r}: {_shorten(reply.body)}"
    if probe.fields is not None and not _holds(_read_json(reply.body), probe.fields):
        return f"{probe.path} answered without {json.dumps(probe.fields)}: {_shorten(reply.body)}"
    return None


def _read_expected(whole: str, expected: str) -> tuple[str | None, Any]:
    kind, _, value = expected.partition("=")
    match kind:
        case "":
            return None, None
        case "text" if value:
            return value, None
        case "json":
            try:
                return None, json.loads(value)
            except ValueError:
                raise SettingInvalid(f"{whole!r} expects what is not JSON.", _REMEDY) from None
    raise SettingInvalid(f"{whole!r} is no probe.", _REMEDY)


def _holds(found: Any, wanted: Any) -> bool:
    """Whether all of `wanted` is in `found`: of an object its keys, of anything else the value itself."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and _holds(found[key], value) for key, value in wanted.items()
        )
    return bool(found == wanted)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "...")

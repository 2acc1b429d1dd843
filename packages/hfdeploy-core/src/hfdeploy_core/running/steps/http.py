"""The step `http`: a URL that has to answer well."""

import urllib.error
import urllib.request

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import HttpFile
from hfdeploy_core.running.flow import Stopped
from hfdeploy_core.running.steps.context import StepContext

_MOST_BYTES = 1_000_000
_LONGEST_PAUSE_SECONDS = 8.0


def ask_url(asked: HttpFile, context: StepContext) -> None:
    """Ask until it answers as it should. Raises StepFailed where it does not. No token is shown to it."""
    if not asked.url.startswith(("http://", "https://")):
        raise StepFailed(f"{asked.url} is no URL to ask.", "Begin it with https://.")
    for number in range(asked.tries):
        if number:
            context.clock.sleep(min(2.0 ** (number - 1), _LONGEST_PAUSE_SECONDS))
        if context.over.is_set():
            raise Stopped
        fault = _find_fault(asked)
        if fault is None:
            context.tell(f"{asked.url} answered {asked.status}")
            return
    raise StepFailed(f"{asked.url} {fault}.", "Look at what runs there.")


def _find_fault(asked: HttpFile) -> str | None:
    try:
        with urllib.request.urlopen(asked.url, timeout=asked.timeout_seconds) as answer:  # noqa: S310
            status, body = answer.status, answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(_MOST_BYTES)
    except (OSError, ValueError) as error:
        return f"does not answer: {getattr(error, 'reason', None) or error}"
    if status != asked.status:
        return f"answered {status}, not {asked.status}"
    if asked.text is not None and asked.text not in body.decode(errors="replace"):
        return f"answered without {asked.text!r}"
    return None

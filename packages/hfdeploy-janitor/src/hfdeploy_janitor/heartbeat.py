"""A sign of life after each sweep that ended well, for whoever has to hear when none comes."""

import http.client
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path

from hfdeploy_core.redact import remember_secret
from hfdeploy_janitor.errors import RuleInvalid

# Beside the option, because a URL's path may be a secret.
VARIABLE = "HFDEPLOY_JANITOR_HEARTBEAT"
_SECONDS = 10.0


def is_url(heartbeat: str) -> bool:
    """Whether it is called, not written."""
    return heartbeat.startswith(("http://", "https://"))


def beat(heartbeat: str, now: datetime) -> None:
    """Write the time to a file, or call a URL. Raises RuleInvalid, without the URL, where that fails."""
    if not is_url(heartbeat):
        try:
            Path(heartbeat).write_text(f"{now.isoformat(timespec='seconds')}\n")
        except OSError as error:
            raise RuleInvalid(f"The heartbeat {heartbeat} cannot be written: {error.strerror}.") from None
        return
    remember_secret(heartbeat)
    try:
        with urllib.request.urlopen(heartbeat, timeout=_SECONDS):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise RuleInvalid(f"The heartbeat was answered with {error.code}.", "Check its URL.") from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        words = f"The heartbeat was not taken: {type(error).__name__}."
        raise RuleInvalid(words, "Check its URL.") from None

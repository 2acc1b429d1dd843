"""Nothing secret gets out: every text that is printed or raised passes through `redact`.

Secrets are remembered for the whole process, on purpose: an error raised far from where a token was read must
still be masked, and forgetting to hand a redactor down would be a leak.
"""

import re
from urllib.parse import quote

MASK = "[redacted]"

# What Hub tokens look like: `hf_...`, `hf_oauth_...` and JSON web tokens, long enough not to mask words such
# as hf_transfer; then whatever follows `Bearer` or stands as the user part of a URL.
_TOKEN_LIKE = re.compile(r"(?:hf|api_org)_(?:[a-z]{2,8}_)*[A-Za-z0-9.\-]{10,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)(?!\[redacted\])[^\s'\",;]+")
_URL_USER = re.compile(r"(?i)\b(https?://)[^/\s@'\"]+@")

_SHORTEST_CERTAIN = 16

_remembered: set[str] = set()


def remember_secret(secret: str) -> None:
    """From now on, mask this very text wherever it appears, whatever it looks like."""
    if secret := secret.strip():
        _remembered.update({secret, quote(secret, safe=""), repr(secret)[1:-1]})


def find_remembered(content: bytes) -> int | None:
    """Where one of the remembered secrets stands in a file's content; short ones may do so by chance."""
    # A copy: other threads may remember more meanwhile.
    certain = [secret for secret in tuple(_remembered) if len(secret) >= _SHORTEST_CERTAIN]
    places = (content.find(secret.encode()) for secret in certain)
    return min((place for place in places if place >= 0), default=None)


def redact(text: str) -> str:
    """The text with every remembered secret and everything that looks like a token masked."""
    return mask(text, _remembered)


def mask(text: str, secrets: set[str]) -> str:
    """`redact` with the secrets given: longest first, so that one within another leaves no rest."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _TOKEN_LIKE.sub(MASK, text)
    text = _BEARER.sub(rf"\1\2{MASK}", text)
    return _URL_USER.sub(rf"\1{MASK}@", text)

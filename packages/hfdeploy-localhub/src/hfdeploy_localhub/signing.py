"""One secret per data folder, from which every token and signed address of the hub follows.

Nothing that is derived has to be stored: a restart makes the same tokens again, and a signature is checked
by making it once more.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

COOKIE_PREFIX = "localhub-"
"""The hub's own cookies begin with this. Browsers send them to every port; apps must not see them."""


class Signer:
    """Derives tokens and signs small claims with the data folder's secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def open(cls, path: Path) -> "Signer":
        """The signer of the secret in ``path``, which is made, readable to its owner only, if missing."""
        if not path.exists():
            partial = path.with_name(f".{path.name}")  # it appears whole, whatever happens
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            partial.rename(path)
        return cls(path.read_bytes())

    def derive_token(self, user: str) -> str:
        """The access token of a user who was given none."""
        letters = base64.b64encode(self._mac("token", user.lower().encode())).decode()
        return "hf_" + letters.translate(str.maketrans("+/=", "aZ0"))[:34]

    def derive_name(self, purpose: str) -> str:
        """16 hex digits that are this data folder's own."""
        return self._mac("name", purpose.encode()).hex()[:16]

    def sign(self, purpose: str, claims: Mapping[str, Any], expires: datetime) -> str:
        """``claims`` as one URL-safe word that ``verify`` takes back until ``expires``."""
        body = json.dumps({**claims, "exp": int(expires.timestamp())}, sort_keys=True).encode()
        return f"{_encode(body)}.{_encode(self._mac(purpose, body))}"

    def verify(self, purpose: str, word: str, now: datetime) -> dict[str, Any] | None:
        """The claims in ``word``, or None if it is forged, expired or was signed for another purpose."""
        try:
            body, mac = (_decode(part) for part in word.split("."))
        except ValueError:
            return None
        if not hmac.compare_digest(mac, self._mac(purpose, body)):
            return None
        claims: dict[str, Any] = json.loads(body)
        return claims if claims["exp"] > now.timestamp() else None

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\0" + body, hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(word: str) -> bytes:
    return base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)

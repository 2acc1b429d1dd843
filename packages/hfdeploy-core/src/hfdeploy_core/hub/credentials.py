"""Whose token and which Hub, as the `hf` command would choose them, without its second of imports."""

import os
from pathlib import Path

from hfdeploy_core.errors import TokenRejected

# What makes huggingface_hub look further than the environment and the file of `hf auth login`.
_ELSEWHERE = ("HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN", "COLAB_RELEASE_TAG", "HUGGINGFACE_CO_STAGING")


def find_endpoint() -> str:
    """HF_ENDPOINT, or the Hub itself."""
    if (endpoint := os.environ.get("HF_ENDPOINT")) and "HUGGINGFACE_CO_STAGING" not in os.environ:
        return endpoint.rstrip("/")
    from huggingface_hub import constants

    return constants.ENDPOINT


def find_token(resource: str | None = None) -> str | None:
    """An OIDC exchange if HF_OIDC_RESOURCE asks for it, else HF_TOKEN, else what `hf auth login` stored.

    With a `resource`, an exchange for that one. Raises TokenRejected where the exchange fails.
    """
    if resource is None and not any(os.environ.get(name) for name in _ELSEWHERE):
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            if token := _clean(os.environ.get(name, "")):
                return token
    import huggingface_hub

    try:
        return huggingface_hub.get_token() if resource is None else _exchange(resource)
    except (huggingface_hub.errors.OIDCError, huggingface_hub.errors.HfHubHTTPError) as error:
        words = " ".join(str(getattr(error, "server_message", None) or error).split())
        raise TokenRejected(
            f"Cannot log in with this job's identity: {words.rstrip('.')}.",
            "Run `hfdeploy doctor`, which tells the claims to register; or unset HF_OIDC_RESOURCE"
            " to use HF_TOKEN.",
        ) from error


def is_borrowed() -> bool:
    """Whether the token is one that a CI job's identity is exchanged for."""
    return any(os.environ.get(name) for name in ("HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN"))


def name_credential(resource: str | None = None) -> str | None:
    """Where `find_token` finds a token, in words; None where it finds none. Nothing is asked or read."""
    if resource := resource or os.environ.get("HF_OIDC_RESOURCE"):
        return f"this job's identity, exchanged for a token of {resource} (OIDC)"
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if _clean(os.environ.get(name, "")):
            return f"the environment variable {name}"
    from huggingface_hub import constants

    place = Path(constants.HF_TOKEN_PATH)
    return "what `hf auth login` stored" if place.is_file() else None


def read_identity() -> str | None:
    """The identity token of this CI job, which an exchange shows to the Hub; None where there is none."""
    if given := _clean(os.environ.get("HF_OIDC_ID_TOKEN", "")):
        return given
    from huggingface_hub._oidc import get_oidc_token

    try:
        return get_oidc_token()
    except Exception:  # whatever it is: there is none
        return None


def _exchange(resource: str) -> str:
    from huggingface_hub._oidc import oidc_login

    given = _clean(os.environ.get("HF_OIDC_ID_TOKEN", "")) or None
    return str(oidc_login(resource=resource, subject_token=given)["access_token"])


def _clean(token: str) -> str:
    return token.replace("\r", "").replace("\n", "").strip()

"""Whose token and which Hub, as the `hf` command would choose them, without its second of imports."""

import os

from hfdeploy_core.errors import TokenRejected

# What makes huggingface_hub look further than the environment and the file of `hf auth login`.
_ELSEWHERE = ("HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN", "COLAB_RELEASE_TAG", "HUGGINGFACE_CO_STAGING")


def find_endpoint() -> str:
    """HF_ENDPOINT, or the Hub itself."""
    if (endpoint := os.environ.get("HF_ENDPOINT")) and "HUGGINGFACE_CO_STAGING" not in os.environ:
        return endpoint.rstrip("/")
    from huggingface_hub import constants

    return constants.ENDPOINT


def find_token() -> str | None:
    """An OIDC exchange if HF_OIDC_RESOURCE asks for it, else HF_TOKEN, else what `hf auth login` stored.

    Raises TokenRejected where the exchange fails.
    """
    if not any(os.environ.get(name) for name in _ELSEWHERE):
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            if token := _clean(os.environ.get(name, "")):
                return token
    import huggingface_hub

    try:
        return huggingface_hub.get_token()
    except huggingface_hub.errors.OIDCError as error:
        raise TokenRejected(
            f"Cannot log in with this job's identity: {error}".rstrip(".") + ".",
            "Give the job its id token, or unset HF_OIDC_RESOURCE to use HF_TOKEN.",
        ) from error


def is_borrowed() -> bool:
    """Whether the token is one that a CI job's identity is exchanged for."""
    return any(os.environ.get(name) for name in ("HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN"))


def _clean(token: str) -> str:
    return token.replace("\r", "").replace("\n", "").strip()

"""The address of a Hub."""

from urllib.parse import SplitResult, urlsplit

from hfdeploy_core.errors import HubUnreachable


def check_endpoint(endpoint: str) -> str:
    """It, without a slash at its end.

    Raises HubUnreachable for what is no URL, or holds a password, which would be in plans and journals.
    """
    if "@" in endpoint:
        raise HubUnreachable(
            "The URL of the Hub holds a name or a password.",
            "Leave them out of HF_ENDPOINT; the token goes into HF_TOKEN.",
        )
    split_url(endpoint)
    return endpoint.rstrip("/")


def split_url(url: str) -> SplitResult:
    """Its parts. Raises HubUnreachable for what is no URL that could be asked."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise HubUnreachable(
            f"{url!r} is not the URL of a Hub.", "Set HF_ENDPOINT to a URL that begins with https://."
        )
    return parts

"""What the relay asks of the Hub."""

import httpx

from hfdeploy_proxy.rules.errors import TargetUnknown

_TIMEOUT_SECONDS = 10.0


async def find_host(endpoint: str, space: str, credentials: bytes) -> str:
    """The origin of a Space, as the Hub names it. Raises TargetUnknown."""
    host = await _ask(f"{endpoint}/api/spaces/{space}", "host", credentials)
    if not host.startswith(("http://", "https://")):
        raise TargetUnknown("the Hub names no host for the Space")
    return host.rstrip("/")


async def find_stage(endpoint: str, space: str, credentials: bytes) -> str:
    """The stage of a Space: RUNNING, SLEEPING, BUILDING and so on. Raises TargetUnknown."""
    return await _ask(f"{endpoint}/api/spaces/{space}/runtime", "stage", credentials)


async def _ask(url: str, member: str, credentials: bytes) -> str:
    try:  # a Space that was renamed is a redirect; on the way to another host httpx leaves the token out
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client:
            answer = await client.get(url, headers={"authorization": credentials.decode()})
            answer.raise_for_status()
            found = answer.json()[member]
    except httpx.HTTPStatusError as error:
        raise TargetUnknown(f"the Hub answered {error.response.status_code} for the Space") from None
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise TargetUnknown(f"the Hub could not be asked: {type(error).__name__}") from None
    if not isinstance(found, str):
        raise TargetUnknown(f"the Hub tells no {member} of the Space")
    return found

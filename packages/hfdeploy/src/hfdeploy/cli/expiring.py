"""When a preview expires, in the words that the janitor knows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hfdeploy_core.errors import SettingInvalid


def tell_expiry(ttl: str, now: datetime) -> str:
    """The janitor's tag for that long from now, up to a whole day: the same on every push of a day.

    Raises SettingInvalid.
    """
    from hfdeploy_janitor.decide import EXPIRES_TAG
    from hfdeploy_janitor.errors import RuleInvalid
    from hfdeploy_janitor.rules import parse_duration

    try:
        until = now + timedelta(seconds=parse_duration(ttl), days=1)
    except RuleInvalid as error:
        raise SettingInvalid(error.message, error.remedy) from None
    return f"{EXPIRES_TAG}{until:%Y-%m-%d}T00:00Z"


def read_expiry(tags: Sequence[str]) -> str | None:
    """When that is, as tags of a card say it; None where none does."""
    from hfdeploy_janitor.decide import EXPIRES_TAG

    return max((tag.removeprefix(EXPIRES_TAG) for tag in tags if tag.startswith(EXPIRES_TAG)), default=None)

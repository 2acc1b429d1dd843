"""Telling people what a sweep did, through apprise (`pip install hfdeploy-janitor[notify]`)."""

import os
from collections.abc import Sequence
from typing import Any

from hfdeploy_core import redact
from hfdeploy_core.redact import remember_secret
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.model import Report
from hfdeploy_janitor.report import render_summary

# Not an option: such addresses hold tokens, and a command line is there for everybody to read.
VARIABLE = "HFDEPLOY_JANITOR_NOTIFY"


def find_addresses() -> tuple[str, ...]:
    """Whom to tell: apprise's URLs, separated by spaces."""
    addresses = tuple(os.environ.get(VARIABLE, "").split())
    for address in addresses:
        remember_secret(address)
    return addresses


def is_news(report: Report) -> bool:
    """Whether there is something to tell: something was done, or went wrong."""
    return bool(report.results or report.exit_code)


def open_ways(addresses: Sequence[str]) -> Any:
    """Apprise with all of them. Raises RuleInvalid where nobody could be told."""
    try:
        import apprise
    except ImportError:
        raise RuleInvalid(
            f"{VARIABLE} is set, and apprise is not installed.", "Run pip install hfdeploy-janitor[notify]."
        ) from None
    told = apprise.Apprise()
    if not told.add(list(addresses)):
        raise RuleInvalid(f"An address in {VARIABLE} is none that apprise knows.", "Check its URLs.")
    return told


def notify(report: Report, addresses: Sequence[str]) -> None:
    """Raises RuleInvalid where somebody was not told."""
    title = f"hfdeploy-janitor ended with {report.exit_code}"
    if not open_ways(addresses).notify(title=title, body=redact(render_summary(report))):
        raise RuleInvalid("The notification was not taken.", f"Check the addresses in {VARIABLE}.")

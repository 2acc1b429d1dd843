"""What can go wrong with a sweep as a whole, beside what goes wrong with the Hub (`hfdeploy_core.errors`).

    RequestError
    ├── RuleInvalid        70   a rule or a limit makes no sense, or a report has nowhere to go
    ├── PlanInvalid        71   a saved plan that was changed, or belongs elsewhere
    ├── KeyMissing         72   marks are asked for, and there is no key to verify them
    ├── JournalUnusable    73   the journal cannot be written, so nothing is deleted
    └── ClockSkewed        74   this machine and the Hub disagree about the time

3, 4 and 5 are how a sweep ends (`Report.exit_code`).
"""

from hfdeploy_core.errors import HubError, RequestError


class RuleInvalid(RequestError):
    exit_code = 70
    advice = "Correct the rule."


class PlanInvalid(RequestError):
    exit_code = 71
    advice = "Make a new plan."


class KeyMissing(RequestError):
    exit_code = 72
    advice = "Set HFDEPLOY_JANITOR_KEY to the key that the tests mint their marks with."


class JournalUnusable(RequestError):
    exit_code = 73
    advice = "Name a folder that can be written with --state."


class ClockSkewed(RequestError):
    exit_code = 74
    advice = "Set this machine's clock: what is old cannot be told without it."


class BudgetSpent(HubError):
    """No request is left in this window. Never shown: a sweep ends here and goes on in the next one."""

    advice = "Run it again in a few minutes."

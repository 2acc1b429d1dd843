"""Repos on loan: made for a test under a marked name, and taken back when it ends."""

from dataclasses import dataclass
from typing import Any

from hfdeploy_core import DeployError, redact
from hfdeploy_core.clock import SystemClock
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.mark import Seal
from hfdeploy_janitor.minting import find_seal, mark
from hfdeploy_janitor.model import Fate, Thing
from hfdeploy_janitor.port import Hub
from hfdeploy_janitor.rules import REPO_KINDS, Kind
from hfdeploy_janitor.sweep import discard


@dataclass(frozen=True, slots=True)
class Loan:
    """A repo that was, or is about to be, made here: known before it exists, so that none is forgotten."""

    thing: Thing
    hub: Hub
    seal: Seal
    api: Any


class Lender:
    """All loans of one run."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._loans: list[Loan] = []
        self._clock = SystemClock()
        self._budget = Budget(self._clock)
        self._names: dict[tuple[str | None, str | None], str] = {}

    def begin(
        self, endpoint: str | None, token: str | None, type: str, namespace: str | None, ttl: str
    ) -> Loan:
        """A loan with a name, before anything is made. Raises RuleInvalid for a type or ttl that is none."""
        from huggingface_hub import HfApi

        from hfdeploy_janitor.client import HubClient

        if type not in REPO_KINDS:
            raise RuleInvalid(f"{type!r} is no type of repo.", f"Name one of {', '.join(REPO_KINDS)}.")
        hub = HubClient(self._clock, self._budget, endpoint=endpoint, token=token)
        api = HfApi(endpoint=hub.endpoint, token=token)
        if namespace is None:
            access = (endpoint or hub.endpoint, token)
            namespace = self._names.get(access) or str(api.whoami()["name"])
            self._names[access] = namespace
        name = mark(namespace, type, ttl=ttl, key=self._key, endpoint=hub.endpoint)
        loan = Loan(
            Thing(Kind(type), namespace, name, "", None, None), hub, find_seal(self._key, hub.endpoint), api
        )
        self._loans.append(loan)
        return loan

    def create(self, loan: Loan, options: dict[str, Any]) -> None:
        """Make the repo. A failure leaves the loan open: the answer may have been lost after the effect."""
        loan.api.create_repo(loan.thing.full_name, repo_type=loan.thing.kind.value, **options)

    def take_back(self, loan: Loan) -> str | None:
        """Delete it; None if it is gone for sure, else a sentence, and the loan stays open."""
        try:
            result = discard(loan.thing, loan.hub, loan.seal)
        except DeployError as error:
            return redact(f"{loan.thing}: {error.message}")
        if result.fate in (Fate.DELETED, Fate.GONE):
            self._loans.remove(loan)
            return None
        return redact(f"{loan.thing}: {result.words}")

    def take_back_all(self) -> list[str]:
        """Sentences about what is left when everything was tried."""
        return [words for loan in tuple(self._loans) if (words := self.take_back(loan))]

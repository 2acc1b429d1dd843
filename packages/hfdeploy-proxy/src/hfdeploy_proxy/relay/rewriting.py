"""Answers whose bodies are changed on the way, and only those."""

from collections.abc import Sequence

from hfdeploy_proxy.relay.entrance import Passage
from hfdeploy_proxy.rules.errors import AnswerCompressed, Header
from hfdeploy_proxy.rules.rewriting import (
    Change,
    OriginChange,
    SecretChange,
    apply_changes,
    can_rewrite,
    has_body,
    is_encoded,
    plan_rewritten_headers,
)
from hfdeploy_proxy.upstream.port import Answer


class Rewriting:
    """Which changes are asked for."""

    def __init__(self, *, origins: bool, secrets: bool) -> None:
        self._origins = origins
        self._secrets = secrets

    @property
    def is_on(self) -> bool:
        """Whether there is any."""
        return self._origins or self._secrets

    def change(self, answer: Answer, passage: Passage, method: bytes) -> Answer:
        """The answer, or one around it. Raises AnswerCompressed."""
        changes: list[Change] = []
        headers = answer.headers
        if self._origins and can_rewrite(answer.status, headers):
            there, forwarding = passage.there.target, passage.forwarding
            changes.append(
                OriginChange(there.authority, forwarding.scheme, forwarding.host, forwarding.prefix)
            )
            headers = plan_rewritten_headers(headers)
        if self._secrets and has_body(method, answer.status):
            if is_encoded(headers):
                raise AnswerCompressed("it may hold the token, and cannot be searched")
            changes.append(SecretChange(passage.token))
        return ChangedAnswer(answer, headers, changes) if changes else answer


class ChangedAnswer:
    """Implements `hfdeploy_proxy.upstream.port.Answer` around another."""

    def __init__(self, answer: Answer, headers: Sequence[Header], changes: Sequence[Change]) -> None:
        self._answer = answer
        self._changes = changes
        self.status = answer.status
        self.headers = headers

    async def read(self) -> bytes:
        """The next part that can be passed on; empty at the end only."""
        while True:
            part = await self._answer.read()
            part = apply_changes(self._changes, part, last=self._answer.ended)
            if part or self._answer.ended:
                return part

    @property
    def ended(self) -> bool:
        """Whether everything has been read."""
        return self._answer.ended

    @property
    def sent_all(self) -> bool:
        """Whether the upstream has got the whole request."""
        return self._answer.sent_all

    async def close(self) -> None:
        """Done with it."""
        await self._answer.close()

"""What a face can do."""

from typing import Any, Protocol

from hfdeploy_core import DeployError, Plan
from hfdeploy_core.events import Event


class Renderer(Protocol):
    """Shows a stream of events, and the failure that ends it if one does."""

    def show(self, event: Event) -> None:
        """Show one event."""
        ...

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        """Show all that a plan would change; `target` is its name in a manifest."""
        ...

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        """Show what was asked for: a frozen value, or the words for it."""
        ...

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        """Show that it ended badly; `name` is the error's stable name."""
        ...

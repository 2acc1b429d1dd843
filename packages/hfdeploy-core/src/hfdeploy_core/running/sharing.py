"""What is known of secrets, between the journals of targets and the state, which others start from."""

from collections.abc import Iterable
from pathlib import Path

from hfdeploy_core.applying.journal import Journal, make_key
from hfdeploy_core.clock import Clock
from hfdeploy_core.manifest.state import Held, State
from hfdeploy_core.running.stores import Book


def adopt_secrets(state: State, target: str, folder: Path, clock: Clock) -> None:
    """Have a target's journal believe what the state knows of its secrets."""
    if state.key:
        Journal(folder, clock).adopt(bytes.fromhex(state.key), state.list_known(target))


def share_secrets(book: Book, held: Iterable[Held], folder: Path, clock: Clock) -> None:
    """Write down in the state what a target's journal knows of its secrets."""
    known = {(secret.repo, secret.name): secret for secret in Journal(folder, clock).read().secrets}
    for each in held:
        if mine := [secret for secret in known.values() if secret.repo == each.repo]:
            book.know(each.repo, mine)


def choose_key(state: State) -> str:
    """The key of this state's digests: for everybody who runs it."""
    return state.key or make_key().hex()

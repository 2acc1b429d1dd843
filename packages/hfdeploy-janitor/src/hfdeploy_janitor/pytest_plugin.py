"""The pytest plugin: repos that are gone when their test ends, and a run that fails if one is left."""

import os
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from hfdeploy_janitor.minting import KEY_VARIABLE

if TYPE_CHECKING:
    from hfdeploy_janitor.borrowing import Lender

HubRepo = Callable[..., str]
_LENDER = pytest.StashKey["Lender"]()
_LEAKS = pytest.StashKey[list[str]]()
_WORKER_OUTPUT = "hfdeploy_janitor_leaks"


@pytest.fixture
def hub_access() -> tuple[str | None, str | None]:
    """Endpoint and token of the Hub that `hub_repo` makes repos on: None is what the environment names.

    Override it to use another, such as the local hub's fixture.
    """
    return None, None


@pytest.fixture
def hub_repo(hub_access: tuple[str | None, str | None], request: pytest.FixtureRequest) -> Iterator[HubRepo]:
    """`hub_repo(type="model", namespace=None, **options)` makes a repo with a marked name and returns its id.

    Without a namespace it is the token's own; `options` go to `HfApi.create_repo`. It is deleted when the
    test ends, however it ends; what cannot be deleted fails the test.
    """
    lender = _find_lender(request.config)
    made: list[Any] = []

    def lend(type: str = "model", *, namespace: str | None = None, ttl: str = "2h", **options: Any) -> str:
        loan = lender.begin(*hub_access, type, namespace, ttl)
        made.append(loan)
        lender.create(loan, options)
        return str(loan.thing.full_name)

    yield lend
    if left := [words for loan in made if (words := lender.take_back(loan))]:
        pytest.fail("Left behind on the Hub: " + "; ".join(left), pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last chance for what is still there, also after Ctrl-C; then whatever is left fails the run."""
    config = session.config
    lender = config.stash.get(_LENDER, None)
    leaks = [*config.stash.get(_LEAKS, []), *(lender.take_back_all() if lender else ())]
    config.stash[_LEAKS] = leaks
    if hasattr(config, "workeroutput"):
        config.workeroutput[_WORKER_OUTPUT] = leaks
    elif leaks and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker of pytest-xdist could not delete."""
    leaks = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT, [])
    node.config.stash.setdefault(_LEAKS, []).extend(leaks)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Each repo that was left behind, and why."""
    if leaks := config.stash.get(_LEAKS, []):
        terminalreporter.section("left behind on the Hub", red=True)
        for words in leaks:
            terminalreporter.line(words)
        terminalreporter.line("A sweep deletes what still has its marked name, once that has expired.")


def _find_lender(config: pytest.Config) -> "Lender":
    if _LENDER not in config.stash:
        # Imported here: most tests of most suites use no Hub.
        from hfdeploy_janitor.borrowing import Lender

        # Without a key the marks are good for this run alone.
        config.stash[_LENDER] = Lender(os.environ.get(KEY_VARIABLE) or secrets.token_hex(16))
    return config.stash[_LENDER]

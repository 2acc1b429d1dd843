import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hfdeploy_core.errors import HubUnreachable
from hfdeploy_core.hub import caller
from hfdeploy_core.hub.caller import Caller
from hfdeploy_core.hub.retry import Budget
from hfdeploy_core.hub.wire import Wire
from hfdeploy_core.testing import FakeClock


def test_threads_that_ask_at_once_share_one_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def open_slowly(endpoint: str) -> Wire:
        time.sleep(0.02)
        opened.append(Wire(endpoint))
        return opened[-1]

    monkeypatch.setattr(caller, "Wire", open_slowly)
    asked = Caller(
        "http://127.0.0.1:9", on_event=lambda event: None, budget=Budget(attempts=1), clock=FakeClock()
    )

    def ask() -> None:
        with pytest.raises(HubUnreachable):
            asked.ask("GET", "/", "look")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ask) for _ in range(4)]:
            done.result()
    assert len(opened) == 1

import asyncio
from pathlib import Path
from typing import cast

import pytest

from hfdeploy_localhub.spaces.app import Patience, wait_until_listening
from hfdeploy_localhub.spaces.children import Child
from hfdeploy_localhub.spaces.logs import Log


class Running:
    """A command that never ends, and of which no port is known to be another's."""

    pid = 0

    async def wait(self) -> int:
        await asyncio.Event().wait()
        return 0


@pytest.mark.parametrize("steps", range(12))
def test_who_is_cancelled_while_the_app_answers_is_cancelled(steps: int, tmp_path: Path) -> None:
    """For each moment at which that may be: a Space whose end was forgotten so never ended."""

    async def cancel() -> None:
        listener = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        child, log = cast("Child", Running()), Log(tmp_path / "run.jsonl")
        waiting = asyncio.create_task(
            wait_until_listening(child, port, port, Patience(), log, lambda line: None)
        )
        for _ in range(steps):
            await asyncio.sleep(0)
        assert waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        listener.close()

    asyncio.run(cancel())

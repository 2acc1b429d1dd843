"""What schemathesis makes of an API's schema, direct and through the relay: the same answers."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
import schemathesis
import uvicorn
from fastapi import Body, Cookie, FastAPI, Header, Query
from hypothesis import HealthCheck, settings

from .relayed import free_port, relayed, wait_for

app = FastAPI()


@app.post("/echo/{word}/{number}")
@app.put("/echo/{word}/{number}")
async def _echo(
    word: str,
    number: int,
    listed: Annotated[list[str], Query()] = [],  # noqa: B006
    flag: bool = False,
    x_told: Annotated[str | None, Header()] = None,
    crumb: Annotated[str | None, Cookie()] = None,
    body: Annotated[Any, Body()] = None,
) -> dict[str, Any]:
    return {
        "word": word,
        "number": number,
        "listed": listed,
        "flag": flag,
        "told": x_told,
        "crumb": crumb,
        "body": body,
    }


schema = schemathesis.openapi.from_dict(app.openapi())


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    wait_for(f"http://127.0.0.1:{port}")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def relay(upstream: str) -> Iterator[str]:
    with relayed(upstream) as address:
        yield address


@schema.parametrize()
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_answers(case: Any, relay: str, upstream: str) -> None:
    direct, through = case.call(base_url=upstream), case.call(base_url=relay)
    assert (through.status_code, through.content) == (direct.status_code, direct.content)
    assert through.headers["content-type"] == direct.headers["content-type"]

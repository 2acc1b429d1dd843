"""A small Space: a page, a JSON endpoint, server-sent events and a WebSocket."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, StreamingResponse

app = FastAPI()
PAGE = Path(__file__).with_name("index.html")
PLANETS = {"Mercury": 0.387, "Venus": 0.723, "Earth": 1.0, "Mars": 1.524, "Jupiter": 5.203}

Distance = Annotated[float, Query(gt=0, le=1000, description="Astronomical units")]


def period_years(distance_au: float) -> float:
    """Kepler's third law around the Sun."""
    return round(float(distance_au**1.5), 3)


@app.get("/")
def show_page() -> HTMLResponse:
    greeting = os.environ.get("GREETING", "Welcome")
    return HTMLResponse(PAGE.read_text().replace("{{greeting}}", greeting))


@app.get("/period")
def show_period(distance_au: Distance) -> dict[str, float]:
    return {"distance_au": distance_au, "period_years": period_years(distance_au)}


@app.get("/tour")
def stream_tour() -> StreamingResponse:
    """One event a planet, outwards."""

    async def visit() -> AsyncIterator[str]:
        for name, distance in PLANETS.items():
            yield f"event: planet\ndata: {name} {period_years(distance)}\n\n"
            await asyncio.sleep(0.02)

    return StreamingResponse(visit(), media_type="text/event-stream")


@app.websocket("/orbit")
async def answer_distances(socket: WebSocket) -> None:
    """Each distance that comes in goes back as a period."""
    await socket.accept()
    try:
        while True:
            await socket.send_json(period_years(float(await socket.receive_text())))
    except (WebSocketDisconnect, ValueError):
        return

"""A Gradio app that is private as a Space is: who does not show the token finds nothing."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gradio
import uvicorn
from fastapi import FastAPI, Request, Response


def greet(name: str) -> str:
    return f"hello {name}"


def count(last: float) -> Iterator[str]:
    for number in range(int(last)):
        time.sleep(0.05)
        yield f"event {number}"


def measure(path: str) -> int:
    return Path(path).stat().st_size


with gradio.Blocks() as blocks:
    name = gradio.Textbox(label="name")
    greeting = gradio.Textbox(label="greeting")
    gradio.Button("Greet").click(greet, name, greeting, api_name="greet")
    last = gradio.Number(3, label="last")
    counted = gradio.Textbox(label="counted")
    gradio.Button("Count").click(count, last, counted, api_name="count")
    file = gradio.File(label="file", type="filepath")
    size = gradio.Number(label="size")
    gradio.Button("Measure").click(measure, file, size, api_name="measure")

app = FastAPI()


@app.middleware("http")
async def _keep_private(request: Request, call_next):  # type: ignore[no-untyped-def]
    if request.headers.get("authorization") != f"Bearer {os.environ['APP_TOKEN']}":
        return Response("Not Found", 404)
    return await call_next(request)


gradio.mount_gradio_app(app, blocks, path="/")

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")

"""Bytes on the wire: conditional and ranged answers (RFC 9110, sections 13, 14), bodies that arrive."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from hfdeploy_localhub.errors import TooLarge
from hfdeploy_localhub.ranges import UNSATISFIABLE, parse_range
from hfdeploy_localhub.store.content import Content
from hfdeploy_localhub.store.large_files import Writer

_WRITE_BYTES = 1024 * 1024


def send_range(
    request: Request, content: bytes | Content, headers: Mapping[str, str] | None = None
) -> Response:
    """The part of ``content`` that the request asks for; what is not in memory is streamed."""
    size = len(content) if isinstance(content, bytes) else content.size
    sent = {"Accept-Ranges": "bytes", **(headers or {})}
    if "ETag" in sent and request.headers.get("if-none-match") == sent["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
    span = parse_range(request.headers.get("range"), size)
    if span is UNSATISFIABLE:
        return refuse_range(size, sent)
    status, start, end = HTTPStatus.OK, 0, size
    if span:
        status, start, end = HTTPStatus.PARTIAL_CONTENT, span.start, span.end
        sent["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    elif size == 0 and "range" in request.headers:
        sent["Content-Range"] = "bytes */0"  # @huggingface/hub asks for the first byte to learn a size
    sent["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=sent)
    if isinstance(content, bytes):
        return Response(content[start:end], status_code=status, headers=sent)
    return StreamingResponse(content.read(start, end), status_code=status, headers=sent)


def refuse_range(size: int, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a range that begins behind the last of ``size`` bytes."""
    sent = {**(headers or {}), "Content-Range": f"bytes */{size}"}
    return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=sent)


async def receive_whole(request: Request, most: int, what: str) -> bytes:
    """The body in memory. Raises TooLarge as soon as it is longer than ``most`` bytes."""
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > most:
            raise TooLarge(f"{what} has {most} bytes at most")
    return bytes(body)


async def receive(request: Request, writer: Writer, most: int) -> int:
    """Writes the body off the event loop, many pieces at once while the next ones arrive; returns its length.

    Stops as soon as it is longer than ``most`` bytes: the length returned is then too.
    """

    def write(pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            writer.write(piece)

    pieces, waiting, received = list[bytes](), 0, 0
    writing = asyncio.ensure_future(asyncio.sleep(0))
    try:
        async for data in request.stream():
            received += len(data)
            if received > most:
                return received
            pieces.append(data)
            waiting += len(data)
            if waiting >= _WRITE_BYTES:
                await writing
                writing = asyncio.ensure_future(asyncio.to_thread(write, pieces))
                pieces, waiting = [], 0
        await writing
        await asyncio.to_thread(write, pieces)
    finally:
        await asyncio.wait([writing])  # nobody may close the file under a thread that writes
    return received

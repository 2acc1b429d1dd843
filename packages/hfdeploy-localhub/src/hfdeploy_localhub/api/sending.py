"""Sending bytes: conditional and ranged answers (RFC 9110, sections 13 and 14)."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from hfdeploy_localhub.ranges import UNSATISFIABLE, parse_range

_READ_BYTES = 1024 * 1024


def send_range(
    request: Request, content: bytes | Path, size: int, headers: Mapping[str, str] | None = None
) -> Response:
    """The part of ``content`` that the request asks for; files are streamed from disk."""
    sent = {"Accept-Ranges": "bytes", **(headers or {})}
    if "ETag" in sent and request.headers.get("if-none-match") == sent["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
    span = parse_range(request.headers.get("range"), size)
    if span is UNSATISFIABLE:
        sent["Content-Range"] = f"bytes */{size}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=sent)
    status, start, end = HTTPStatus.OK, 0, size
    if span:
        status, start, end = HTTPStatus.PARTIAL_CONTENT, span.start, span.end
        sent["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    sent["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=sent)
    if isinstance(content, bytes):
        return Response(content[start:end], status_code=status, headers=sent)
    return StreamingResponse(_read_file(content, start, end), status_code=status, headers=sent)


def _read_file(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (data := file.read(min(_READ_BYTES, end - start))):
            start += len(data)
            yield data

"""What goes in comes out: requests and answers made up by hypothesis, over real sockets."""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import Conversation, Relay, Seen, Upstream

EXAMPLES = settings(
    max_examples=int(os.environ.get("HFDEPLOY_EXAMPLES", "400")) // 10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
SAFE = "abcXYZ019-._~!$&'()*+,;=:@%/"
PATHS = st.text(SAFE, max_size=20).filter(lambda path: not path.startswith("/")).map(lambda path: f"/{path}")
QUERIES = st.none() | st.text(SAFE + "?", max_size=20).filter(lambda query: "__sign" not in query)
VALUES = st.binary(max_size=30).map(
    lambda value: bytes(b for b in value if b >= 0x20 and b != 0x7F).strip(b" \t")
)
FIELDS = st.lists(st.tuples(st.sampled_from(["x-a", "X-B", "accept", "x-a"]), VALUES), max_size=6)
BODIES = st.none() | st.lists(st.binary(min_size=1, max_size=300), max_size=5)


@EXAMPLES
@given(
    METHODS, PATHS, QUERIES, FIELDS, BODIES, st.sampled_from([200, 201, 204, 304, 404, 500]), FIELDS, BODIES
)
def test_what_goes_in_comes_out(
    relay: Relay,
    upstream: Upstream,
    method: str,
    path: str,
    query: str | None,
    fields: list[tuple[str, bytes]],
    parts: list[bytes] | None,
    status: int,
    answer_fields: list[tuple[str, bytes]],
    answer_parts: list[bytes] | None,
) -> None:
    bodiless = status in (204, 304)
    chunks = None if bodiless else answer_parts

    async def answer(conversation: Conversation, seen: Seen) -> None:
        seen.body = await conversation.read_body(seen)
        lines = [b"HTTP/1.1 %d X" % status]
        lines += [name.encode() + b": " + value for name, value in answer_fields]
        if chunks is not None:
            lines.append(b"Transfer-Encoding: chunked")
        elif not bodiless:
            lines.append(b"Content-Length: 0")
        await conversation.send(b"\r\n".join([*lines, b"", b""]))
        for chunk in chunks or []:
            await conversation.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if chunks is not None:
            await conversation.send(b"0\r\n\r\n")

    upstream.handler = answer
    upstream.seen.clear()
    target = path if query is None else f"{path}?{query}"
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: relay.test"]
    lines += [name.encode() + b": " + value for name, value in fields]
    body = b""
    if parts is not None:
        lines.append(b"Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    peer = relay.connect().send(b"\r\n".join([*lines, b"", b""]) + body)
    found = peer.read_answer()
    peer.close()
    (seen,) = upstream.seen
    assert seen.line == f"{method} {target} HTTP/1.1".encode()
    assert seen.body == b"".join(parts or [])
    sent = [(name.lower().encode(), value) for name, value in fields]
    assert [pair for pair in seen.headers if pair in sent or pair[0] in (b"x-a", b"x-b", b"accept")] == sent
    assert found.status == status
    assert found.body == b"".join(chunks or [])
    expected = [(name.lower(), value.decode("latin-1")) for name, value in answer_fields]
    assert [pair for pair in found.headers if pair[0] in ("x-a", "x-b", "accept")] == expected

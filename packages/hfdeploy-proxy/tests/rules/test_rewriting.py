from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_proxy.rules.rewriting import Change, OriginChange, SecretChange, can_rewrite

SECRET = b"hf_secret"
PIECES = [
    b"https://up.test", b"http:", b"//up.test", b"\\/\\/up.test", b"wss:", b"up.test", b"h", b"https:/",
    b"hf_", b"hf_sec", b"ret", SECRET, b".", b":", b"8", b"/", b"\\", b"x", b"\n\n", b" ",
]  # fmt: skip


def origin_change(scheme: bytes = b"https", prefix: bytes = b"") -> OriginChange:
    return OriginChange(b"up.test", scheme, b"relay.test:8080", prefix)


def whole(change: Change, data: bytes) -> bytes:
    return change.feed(data, last=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'href="https://up.test/a"', b'href="https://relay.test:8080/a"'),
        (b"http://UP.test", b"https://relay.test:8080"),
        (b'{"root": "https:\\/\\/up.test\\/a"}', b'{"root": "https:\\/\\/relay.test:8080\\/a"}'),
        (b"wss://up.test/ws ws://up.test", b"wss://relay.test:8080/ws wss://relay.test:8080"),
        (b"src=//up.test/x.js", b"src=//relay.test:8080/x.js"),
        (b"at https://up.test.", b"at https://relay.test:8080."),
        (b"https://up.test: yes", b"https://relay.test:8080: yes"),
        (b"https://up.test.evil.test", None),
        (b"https://up.test:8443", None),
        (b"https://up.testing", None),
        (b"https://sub.up.test", None),
        (b"mail@up.test", None),
    ],
)
def test_the_upstreams_origin_becomes_the_relays(before: bytes, after: bytes | None) -> None:
    assert whole(origin_change(), before) == (before if after is None else after)


def test_scheme_and_prefix_are_the_relays() -> None:
    change = origin_change(b"http", b"/space")
    assert whole(change, b"https://up.test/a") == b"http://relay.test:8080/space/a"
    assert whole(change, rb"wss:\/\/up.test\/a") == rb"ws:\/\/relay.test:8080\/space\/a"


def test_a_secret_is_masked_at_its_length() -> None:
    assert whole(SecretChange(SECRET), b"a hf_secret, hf_secrets") == b"a *********, *********s"


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.lists(st.integers(0, 400), max_size=8))
def test_how_a_body_is_cut_makes_no_difference(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    parts = [data[start:end] for start, end in pairwise(places)]
    for change, again in (
        (origin_change(), origin_change()),
        (SecretChange(SECRET), SecretChange(SECRET)),
    ):
        passed = [change.feed(part, last=False) for part in parts]
        assert b"".join([*passed, change.feed(b"", last=True)]) == whole(again, data)


@given(st.binary(max_size=40))
def test_an_event_is_not_held_back(text: bytes) -> None:
    event = text.replace(b"\n", b"") + b"\n\n"
    assert origin_change().feed(event, last=False) == whole(origin_change(), event)
    assert SecretChange(SECRET).feed(event, last=False) == whole(SecretChange(SECRET), event)


@pytest.mark.parametrize(
    ("status", "headers", "can"),
    [
        (200, [(b"Content-Type", b"text/html; charset=utf-8")], True),
        (200, [(b"content-type", b"application/json")], True),
        (200, [(b"content-type", b"text/event-stream")], True),
        (200, [(b"content-type", b"image/png")], False),
        (200, [(b"content-type", b"text/html"), (b"Content-Encoding", b"gzip")], False),
        (206, [(b"content-type", b"text/html")], False),
        (200, [], False),
    ],
)
def test_only_plain_and_whole_text_is_changed(
    status: int, headers: list[tuple[bytes, bytes]], can: bool
) -> None:
    assert can_rewrite(status, headers) is can

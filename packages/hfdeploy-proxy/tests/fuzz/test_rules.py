"""Whatever comes, some things hold. A few examples in `make test`, very many in `make fuzz`."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_proxy.rules.errors import RequestRefused
from hfdeploy_proxy.rules.headers import (
    Forwarding,
    Target,
    decide_forwarding,
    plan_answer_headers,
    plan_cookie,
    plan_reference,
    plan_request_headers,
    read_request,
)
from hfdeploy_proxy.rules.paths import plan_target, split_target

EXAMPLES = settings(max_examples=int(os.environ.get("HFDEPLOY_EXAMPLES", "60")), deadline=None)
TARGET = Target(b"up.test", b"https://up.test")
OURS = (b"authorization", b"Bearer ours")
CONNECTION_FIELDS = frozenset(
    b"connection proxy-connection keep-alive te trailer transfer-encoding upgrade proxy-authorization "
    b"sec-websocket-key sec-websocket-version sec-websocket-extensions".split()
)

KNOWN = st.sampled_from(
    b"host connection keep-alive te trailer transfer-encoding upgrade content-length expect via cookie "
    b"origin x-forwarded-for x-forwarded-host x-forwarded-proto forwarded authorization x-hf-authorization "
    b"accept proxy-authorization sec-websocket-key x_under x-one set-cookie location link date "
    b"content-type x-forwarded-user".split()
)
TOLD = frozenset(b"x-forwarded-for x-forwarded-host x-forwarded-proto".split())
TOKEN = st.text("abcxyz0123456789-_!~", min_size=1, max_size=8).map(str.encode)
VALUE = st.one_of(
    st.lists(st.one_of(KNOWN, TOKEN), max_size=4).map(b", ".join),
    st.sampled_from(
        [
            b"close",
            b"keep-alive",
            b"chunked",
            b"5",
            b"0",
            b"1.1 hfdeploy-proxy",
            b"spaces-jwt=a; b=c",
            b"Bearer theirs",
        ]
    ),
    st.binary(max_size=20).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F)),
)
HEADERS = st.lists(st.tuples(st.one_of(KNOWN, TOKEN), VALUE), max_size=12)


@EXAMPLES
@given(HEADERS, st.integers(0, 3), st.booleans())
def test_requests(headers: list[tuple[bytes, bytes]], hops: int, one_host: bool) -> None:
    if one_host:
        headers = [(b"host", b"relay.test"), *(pair for pair in headers if pair[0] != b"host")]
    try:
        request = read_request(headers)
        forwarding = decide_forwarding(request, b"1.2.3.4", b"http", hops)
        planned = plan_request_headers(request, TARGET, forwarding, OURS)
    except RequestRefused:
        return
    names = [name for name, _ in planned]
    assert [value for name, value in planned if name == b"host"] == [b"up.test"]
    assert [pair for pair in planned if pair[0] == b"authorization"] == [OURS]
    assert planned[-1] == OURS
    assert not CONNECTION_FIELDS & set(names)
    assert not {b"x-hf-authorization", b"expect"} & set(names)
    assert [value for name, value in planned if name == b"content-length"] in ([], [b"0"])
    assert not [name for name in names if name.startswith(b"x-forwarded-") and name not in TOLD]
    assert not [name for name in names if b"_" in name]
    for once in (b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"forwarded"):
        assert names.count(once) == 1
    assert not [value for name, value in planned if name == b"cookie" and b"spaces-jwt" in value]
    chain = dict(planned)[b"x-forwarded-for"].split(b", ")
    assert chain[-1] == b"1.2.3.4"
    assert len(chain) <= hops + 1
    listed = {
        item.strip().lower() for name, value in headers if name == b"connection" for item in value.split(b",")
    }
    assert not listed & {name for name in names if name in (b"accept", b"x-one", b"cookie")}
    kept = [pair for pair in headers if pair[0] in (b"accept", b"x-one") and pair[0] not in listed]
    assert [pair for pair in planned if pair[0] in (b"accept", b"x-one")] == kept


@EXAMPLES
@given(HEADERS, st.sampled_from([200, 204, 304, 404, 500]), st.sampled_from([b"", b"/space"]))
def test_answers(headers: list[tuple[bytes, bytes]], status: int, prefix: bytes) -> None:
    planned = plan_answer_headers(headers, status, TARGET, prefix, b"now")
    names = [name for name, _ in planned]
    assert not CONNECTION_FIELDS & set(names)
    assert names.count(b"via") == 1
    assert b"date" in names
    assert status not in (204, 304) or b"content-length" not in names
    assert not [
        value for name, value in planned if name == b"set-cookie" and value.startswith(b"spaces-jwt=")
    ]


@EXAMPLES
@given(st.binary(max_size=30), st.sampled_from([b"/", b"", b"//", b"/%2f", b"/a?", b"http://"]))
def test_targets(tail: bytes, head: bytes) -> None:
    sent = head + tail
    try:
        target = plan_target(*split_target(sent))
    except RequestRefused:
        return
    assert target.startswith(b"/")
    assert not target.startswith(b"//")
    assert not [byte for byte in target if byte <= 0x20 or byte == 0x7F]
    assert target == sent or b"__sign" in sent


@EXAMPLES
@given(
    st.lists(
        st.sampled_from(
            [
                b"https://",
                b"http://",
                b"//",
                b"/",
                b"up.test",
                b"UP.TEST",
                b":443",
                b"@",
                b"evil.test",
                b"?",
                b"#",
                b"\\",
                b"a",
            ]
        ),
        max_size=6,
    ).map(b"".join),
    st.sampled_from([b"", b"/space"]),
)
def test_references_lead_to_no_other_host_than_they_did(value: bytes, prefix: bytes) -> None:
    planned = plan_reference(value, TARGET, prefix)
    if planned != value:
        assert planned.startswith(b"/")
        assert not planned.startswith((b"//", b"/\\"))


@EXAMPLES
@given(
    st.lists(
        st.sampled_from(
            [
                b"a=b",
                b"spaces-jwt=x",
                b" Domain=up.test",
                b"domain=.UP.test",
                b"Domain=test",
                b"Domain=other.test",
                b"Path=/x",
                b"Secure",
            ]
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([b"", b"/space"]),
)
def test_cookies_are_the_relays(crumbs: list[bytes], prefix: bytes) -> None:
    planned = plan_cookie(b";".join(crumbs), TARGET, prefix)
    if crumbs[0].startswith(b"spaces-jwt="):
        assert planned is None
        return
    assert planned is not None
    assert planned.split(b";")[0] == crumbs[0]
    domains = [crumb.strip().lower() for crumb in planned.split(b";")[1:] if b"omain=" in crumb]
    assert set(domains) <= {b"domain=other.test"}
    assert planned.count(b"Secure") == b";".join(crumbs).count(b"Secure")


@EXAMPLES
@given(st.text(max_size=10).map(str.encode), st.text(max_size=10).map(str.encode))
def test_what_is_told_of_the_way_is_one_item_each(host: bytes, address: bytes) -> None:
    from hfdeploy_proxy.rules.headers import forwarding_headers

    (said,) = [
        value
        for name, value in forwarding_headers(Forwarding((address,), host, b"https"))
        if name == b"forwarded"
    ]
    outside = b"".join(said.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    assert outside.count(b";") == 2
    assert b"," not in outside

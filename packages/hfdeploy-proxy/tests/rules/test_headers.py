import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_proxy.rules.errors import Header, RequestRefused
from hfdeploy_proxy.rules.headers import (
    Forwarding,
    Target,
    decide_forwarding,
    forwarding_headers,
    plan_answer_headers,
    plan_cookie,
    plan_reference,
    plan_request_headers,
    read_request,
)

HOST = (b"host", b"relay.test")
TARGET = Target(b"me-app.hf.space", b"https://me-app.hf.space")
TOKEN = (b"authorization", b"Bearer secret")
FORWARDING = Forwarding((b"1.2.3.4",), b"relay.test", b"https")


def sent(*headers: Header, credentials: Header = TOKEN) -> list[Header]:
    return plan_request_headers(read_request([HOST, *headers]), TARGET, FORWARDING, credentials)


def values(headers: list[Header], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


def test_fields_of_the_connection_and_what_only_proxies_say_do_not_pass() -> None:
    planned = sent(
        (b"connection", b"keep-alive, X-Private ,authorization"),
        (b"x-private", b"1"),
        (b"keep-alive", b"5"),
        (b"te", b"trailers"),
        (b"upgrade", b"h2c"),
        (b"proxy-authorization", b"x"),
        (b"x_token", b"underscore"),
        (b"x-forwarded-user", b"root"),
        (b"x-kept", b"1"),
    )
    assert [name for name, _ in planned] == [
        b"host",
        b"x-kept",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"forwarded",
        b"authorization",
    ]
    assert planned[-1] == TOKEN


def test_tokens_and_cookies_of_the_edge_stay_here() -> None:
    planned = sent(
        (b"authorization", b"Bearer theirs"),
        (b"x-hf-authorization", b"Bearer theirs"),
        (b"cookie", b"a=1; spaces-jwt=x; b=2"),
        (b"cookie", b"spaces-jwt=y"),
    )
    assert values(planned, b"authorization") == [b"Bearer secret"]
    assert values(planned, b"x-hf-authorization") == []
    assert values(planned, b"cookie") == [b"a=1; b=2"]


def test_in_the_other_mode_the_clients_authorization_passes() -> None:
    credentials = (b"x-hf-authorization", b"Bearer secret")
    planned = sent(
        (b"authorization", b"Basic theirs"), (b"x-hf-authorization", b"x"), credentials=credentials
    )
    assert values(planned, b"authorization") == [b"Basic theirs"]
    assert values(planned, b"x-hf-authorization") == [b"Bearer secret"]


@pytest.mark.parametrize(
    ("headers", "length", "chunked"),
    [
        ([], None, False),
        ([(b"content-length", b"7")], 7, False),
        ([(b"transfer-encoding", b"Chunked")], None, True),
    ],
)
def test_framing(headers: list[Header], length: int | None, chunked: bool) -> None:
    request = read_request([HOST, *headers])
    assert (request.length, request.chunked) == (length, chunked)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([HOST], 400),
        ([(b"content-length", b"1"), (b"content-length", b"1")], 400),
        ([(b"content-length", b"1, 1")], 400),
        ([(b"content-length", b"+1")], 400),
        ([(b"content-length", b"-1")], 400),
        ([(b"content-length", b"1"), (b"transfer-encoding", b"chunked")], 400),
        (
            [
                (b"content-length", b"1"),
                (b"transfer-encoding", b"chunked"),
                (b"connection", b"content-length"),
            ],
            400,
        ),
        ([(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], 400),
        ([(b"transfer-encoding", b"gzip, chunked")], 501),
        ([(b"transfer-encoding", b"xchunked")], 501),
        ([(b"transfer-encoding", b"\x0bchunked")], 501),
        ([(b"origin", b"http://a"), (b"origin", b"http://b")], 400),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(headers: list[Header], status: int) -> None:
    with pytest.raises(RequestRefused) as caught:
        read_request([HOST, *headers])
    assert caught.value.refusal.status == status


def test_a_request_without_a_host_is_refused() -> None:
    with pytest.raises(RequestRefused):
        read_request([(b"accept", b"*/*")])


def test_a_request_that_turns_in_a_circle_is_refused() -> None:
    assert values(sent((b"via", b"1.0 a, 1.1 b")), b"via") == [b"1.0 a, 1.1 b, 1.1 hfdeploy-proxy"]
    with pytest.raises(RequestRefused) as caught:
        sent((b"via", b", ".join([b"1.1 hfdeploy-proxy"] * 8)))
    assert caught.value.refusal.status == 508


@pytest.mark.parametrize(
    ("hops", "chain", "host", "scheme"),
    [
        (0, (b"9.9.9.9",), b"relay.test", b"http"),
        (1, (b"2.2.2.2", b"9.9.9.9"), b"public.test", b"https"),
        (2, (b"1.1.1.1", b"2.2.2.2", b"9.9.9.9"), b"public.test", b"https"),
        (9, (b"6.6.6.6", b"1.1.1.1", b"2.2.2.2", b"9.9.9.9"), b"public.test", b"https"),
    ],
)
def test_only_trusted_hops_are_believed(
    hops: int, chain: tuple[bytes, ...], host: bytes, scheme: bytes
) -> None:
    request = read_request(
        [
            HOST,
            (b"x-forwarded-for", b"6.6.6.6, 1.1.1.1"),
            (b"x-forwarded-for", b"2.2.2.2"),
            (b"x-forwarded-host", b"spoofed, public.test"),
            (b"x-forwarded-proto", b"HTTPS"),
        ]
    )
    assert decide_forwarding(request, b"9.9.9.9", b"http", hops) == Forwarding(chain, host, scheme)


def test_forwarded_says_what_x_forwarded_says() -> None:
    found = dict(forwarding_headers(Forwarding((b"::1", b"1.2.3.4"), b"a.test:80", b"http", b"/space")))
    assert found == {
        b"x-forwarded-for": b"::1, 1.2.3.4",
        b"x-forwarded-host": b"a.test:80",
        b"x-forwarded-proto": b"http",
        b"x-forwarded-prefix": b"/space",
        b"forwarded": b'for="[::1]";host="a.test:80";proto=http, for=1.2.3.4',
    }


NAMES = st.sampled_from(
    b"host connection authorization x-hf-authorization origin cookie via te content-length transfer-encoding "
    b"x-forwarded-for forwarded upgrade x-a x_b".split()
)
VALUES = st.sampled_from(
    [*b"chunked 1 close authorization,host origin spaces-jwt=1 a.test x".split(), b"", b","]
)


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_whatever_is_sent_the_token_is_there_once_and_last(headers: list[Header]) -> None:
    try:
        planned = sent(*headers)
    except RequestRefused:
        return
    assert planned[-1] == TOKEN
    assert values(planned, b"authorization") == [TOKEN[1]]
    assert values(planned, b"host") == [TARGET.authority]
    names = {name for name, _ in planned}
    assert not names & {b"connection", b"te", b"upgrade", b"transfer-encoding", b"content-length", b"x_b"}


def answered(*headers: Header, status: int = 200, prefix: bytes = b"") -> list[Header]:
    return plan_answer_headers(headers, status, TARGET, prefix, b"now")


def test_answers_lose_what_is_of_the_connection_the_edge_or_cors() -> None:
    planned = answered(
        (b"Connection", b"X-Gone, close, Content-Length"),
        (b"X-Gone", b"1"),
        (b"Content-Length", b"3"),
        (b"Keep-Alive", b"5"),
        (b"X-Proxied-Host", b"http://10.0.0.1"),
        (b"Link", b'<https://me-app.hf.space/>; rel="canonical"'),
        (b"Link", b"</style.css>; rel=preload"),
        (b"Access-Control-Allow-Origin", b"*"),
        (b"Via", b"1.1 theirs"),
        (b"Date", b"then"),
    )
    assert planned == [
        (b"content-length", b"3"),
        (b"link", b"</style.css>; rel=preload"),
        (b"date", b"then"),
        (b"via", b"1.1 theirs, 1.1 hfdeploy-proxy"),
    ]
    assert answered() == [(b"date", b"now"), (b"via", b"1.1 hfdeploy-proxy")]
    assert answered((b"Content-Length", b"3"), status=304)[0] == (b"date", b"now")


@pytest.mark.parametrize(
    ("location", "planned"),
    [
        (b"https://me-app.hf.space/a?b#c", b"/a?b#c"),
        (b"HTTP://ME-APP.hf.space:443", b"/"),
        (b"//me-app.hf.space/a", b"/a"),
        (b"https://me-app.hf.space?x", b"/?x"),
        (b"https://me-app.hf.space//evil.test/a", b"/.//evil.test/a"),
        (b"https://me-app.hf.space/\\evil.test/a", b"/./\\evil.test/a"),
        (b"https://me-app.hf.space@evil.test/", b"https://me-app.hf.space@evil.test/"),
        (b"https://me-app.hf.space.evil.test/", b"https://me-app.hf.space.evil.test/"),
        (b"https://elsewhere.test/", b"https://elsewhere.test/"),
        (b"relative/path", b"relative/path"),
        (b"/login", b"/login"),
        (b"//evil.test/", b"//evil.test/"),
    ],
)
def test_references_to_the_upstream_lead_to_the_relay(location: bytes, planned: bytes) -> None:
    assert plan_reference(location, TARGET, b"") == planned


def test_below_a_mount_references_lead_there() -> None:
    assert plan_reference(b"/login", TARGET, b"/space") == b"/space/login"
    assert plan_reference(b"https://me-app.hf.space//x", TARGET, b"/space") == b"/space//x"
    assert plan_reference(b"https://elsewhere.test/", TARGET, b"/space") == b"https://elsewhere.test/"


@pytest.mark.parametrize(
    ("cookie", "planned"),
    [
        (b"a=1; Path=/; HttpOnly", b"a=1; Path=/; HttpOnly"),
        (b"a=1; Domain=me-app.hf.space; Secure", b"a=1; Secure"),
        (b"a=1; domain=.hf.space", b"a=1"),
        (b"a=domain; Domain=other.test", b"a=domain; Domain=other.test"),
        (b"spaces-jwt=x; Path=/", None),
    ],
)
def test_cookies_become_the_relays(cookie: bytes, planned: bytes | None) -> None:
    assert plan_cookie(cookie, TARGET, b"") == planned


def test_below_a_mount_cookies_stay_there() -> None:
    assert plan_cookie(b"a=1; Path=/x; Secure", TARGET, b"/space") == b"a=1; Path=/space/x; Secure"

from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.spaces.headers import (
    bearer_token,
    find_cookies,
    is_ambiguous,
    offered_tokens,
    plan_request_headers,
    plan_response_headers,
    wants_upgrade,
)


def plan(*headers: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return plan_request_headers(headers, "127.0.0.1", lambda token: token == "ours")


def test_the_hubs_tokens_are_taken_out_and_others_pass() -> None:
    assert not [v for _, v in plan((b"Authorization", b"Bearer ours")) if b"ours" in v]
    assert not [v for _, v in plan((b"authorization", b"bearer   ours")) if b"ours" in v]
    assert not [v for _, v in plan((b"X-HF-Authorization", b"Bearer anything")) if b"anything" in v]
    for value in (b"Bearer theirs", b"Basic b3Vycw==", b"ours"):
        assert (b"Authorization", value) in plan((b"Authorization", value))


def test_the_hubs_own_cookies_are_taken_out_and_others_pass() -> None:
    assert (b"Cookie", b"a=1; b=localhub-x") in plan(
        (b"Cookie", b"a=1; localhub-visit-1=w;localhub-session-2=s; b=localhub-x")
    )
    assert not [name for name, _ in plan((b"cookie", b"localhub-visit-1=w")) if name.lower() == b"cookie"]
    assert (b"Cookie", b"a=1;b=2") in plan((b"Cookie", b"a=1;b=2"))


def test_a_cookie_is_found_by_its_whole_name() -> None:
    headers = [(b"Cookie", b"xa=0; a=1;ab=2"), (b"cookie", b"a=3=4")]
    assert find_cookies(headers, "a") == ["1", "3=4"]
    assert find_cookies(headers, "b") == []


def test_hop_by_hop_headers_and_those_connection_lists_are_taken_out() -> None:
    names = {
        name.lower()
        for name, _ in plan(
            (b"Host", b"h"),
            (b"Connection", b"keep-alive, X-Secret, host, content-length"),
            (b"X-Secret", b"1"),
            (b"Keep-Alive", b"5"),
            (b"TE", b"trailers"),
            (b"Proxy-Authorization", b"x"),
            (b"Expect", b"100-continue"),
            (b"Content-Length", b"3"),
            (b"X-Other", b"1"),
        )
    }
    assert names == {
        *(b"host", b"content-length", b"x-other", b"connection"),
        *(b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"),
    }


def test_where_a_request_is_from() -> None:
    assert plan((b"Host", b"a:1"))[1:4] == [
        (b"X-Forwarded-For", b"127.0.0.1"),
        (b"X-Forwarded-Host", b"a:1"),
        (b"X-Forwarded-Proto", b"http"),
    ]
    through = plan(
        (b"Host", b"a"),
        (b"X-Forwarded-For", b"9.9.9.9"),
        (b"X-Forwarded-Host", b"relay"),
        (b"X-Forwarded-Proto", b"https"),
    )
    assert (b"X-Forwarded-For", b"9.9.9.9, 127.0.0.1") in through
    assert [value for name, value in through if name == b"X-Forwarded-Host"] == [b"relay"]
    assert [value for name, value in through if name == b"X-Forwarded-Proto"] == [b"https"]


def test_an_upgrade_passes() -> None:
    headers = ((b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"websocket"))
    assert wants_upgrade(headers)
    assert plan(*headers)[-2:] == [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]
    assert not wants_upgrade(((b"Upgrade", b"websocket"),))


def test_framing_is_one_thing_or_the_other() -> None:
    assert is_ambiguous([(b"Content-Length", b"1"), (b"transfer-encoding", b"chunked")])
    assert (b"Transfer-Encoding", b"chunked") in plan((b"transfer-encoding", b"chunked"))


def test_repeated_headers_stay_apart() -> None:
    headers = [(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"Transfer-Encoding", b"chunked")]
    assert plan_response_headers(headers) == headers[:2]


def test_tokens_are_read_from_both_places() -> None:
    headers = [
        (b"Authorization", b"Bearer a"),
        (b"X-HF-Authorization", b"bearer b"),
        (b"Authorization", b"Basic c"),
    ]
    assert offered_tokens(headers) == ["b", "a"]
    assert bearer_token(b"Bearer ") is None


@given(
    st.lists(
        st.tuples(st.sampled_from([b"Authorization", b"AUTHORIZATION", b"X-Hf-Authorization"]), st.binary())
    )
)
def test_no_known_token_ever_passes(headers: list[tuple[bytes, bytes]]) -> None:
    shown = [*headers, (b"authorization", b"BEARER ours "), (b"x-hf-authorization", b"ours")]
    assert not [value for _, value in plan(*shown) if bearer_token(value) == "ours" or value == b"ours"]

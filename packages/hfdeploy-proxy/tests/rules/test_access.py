import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_proxy.rules.access import Origins, check_origin, is_same_host, matches_subdomain
from hfdeploy_proxy.rules.errors import RequestRefused


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        ("https://a.com", True),
        ("https://x.b.com", True),
        ("https://x.y.b.com", True),
        ("https://b.com", False),
        ("http://x.b.com", False),
        ("https://x.b.com:8443", False),
        ("https://xb.com", False),
        ("https://evil.test/.b.com", False),
        ("https://evil.test?.b.com", False),
        ("https://evil@x.b.com", False),
        ("https://.b.com", False),
        ("https://a.com.evil.test", False),
        ("HTTPS://a.com", False),
        ("null", False),
        ("", False),
    ],
)
def test_the_list_admits_what_it_names(origin: str, admitted: bool) -> None:
    assert Origins(("https://a.com", "https://*.b.com")).admits(origin) is admitted


@given(st.text())
def test_a_wildcard_stands_for_labels_only(label: str) -> None:
    if matches_subdomain("https://*.b.com", f"https://{label}.b.com"):
        assert not set(label) & set("/?#@:\\ \t\r\n")


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://relay.test", "relay.test", True),
        ("https://relay.test", "relay.test:443", True),
        ("https://relay.test", "Relay.Test", True),
        ("http://relay.test:8080", "relay.test:8080", True),
        ("http://relay.test:8080", "relay.test", False),
        ("http://relay.test", "relay.test:443", False),
        ("http://relay.test.evil.test", "relay.test", False),
        ("ftp://relay.test", "relay.test", False),
        ("null", "null", False),
    ],
)
def test_the_relays_own_pages(origin: str, host: str, same: bool) -> None:
    assert is_same_host(origin, host) is same


def test_who_is_not_admitted_is_refused() -> None:
    check_origin(None, b"relay.test", Origins())
    check_origin(b"http://relay.test", b"relay.test", Origins())
    check_origin(b"http://anyone.test", b"relay.test", Origins(("*",)))
    for origin in (b"http://evil.test", b"null", b"\xff"):
        with pytest.raises(RequestRefused) as caught:
            check_origin(origin, b"relay.test", Origins())
        assert caught.value.refusal.status == 403

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_proxy.rules.errors import RequestRefused
from hfdeploy_proxy.rules.paths import plan_target, raw_path, split_target, strip_signature


@pytest.mark.parametrize(
    ("path", "query", "sent"),
    [
        (b"/", None, b"/"),
        (b"/", b"", b"/?"),
        (b"/a%2Fb/../c%3F", b"x=%20&&y", b"/a%2Fb/../c%3F?x=%20&&y"),
        (b"/a", b"__sign=x", b"/a"),
        (b"/a", b"a=1&__sign=x&b=__sign", b"/a?a=1&b=__sign"),
        (b"/a", b"x__sign=1", b"/a?x__sign=1"),
        (b"/a//b", None, b"/a//b"),
    ],
)
def test_targets_pass_as_they_are(path: bytes, query: bytes | None, sent: bytes) -> None:
    assert plan_target(path, query) == sent


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (path, None)
        for path in (b"", b"*", b"//host/a", b"@host", b"http://host/", b"/a b", b"/a\r\nb", b"/a#b", b"/\0")
    ]
    + [(b"/", b"a b"), (b"/", b"a\nb"), (b"/", b"a#b")],
)
def test_what_could_lead_elsewhere_is_refused(path: bytes, query: bytes | None) -> None:
    with pytest.raises(RequestRefused):
        plan_target(path, query)


@given(st.binary(), st.none() | st.binary())
def test_a_target_that_passes_is_one_word_of_a_request_line(path: bytes, query: bytes | None) -> None:
    try:
        target = plan_target(path, query)
    except RequestRefused:
        return
    assert len(target.split()) == 1
    assert target.startswith(b"/") and not target.startswith(b"//")  # noqa: PT018
    if b"__sign" not in (query or b""):
        assert split_target(target) == (path, query)


@given(st.binary())
def test_no_signature_is_left(query: bytes) -> None:
    assert not any(part.startswith(b"__sign=") for part in strip_signature(query).split(b"&"))


def test_below_a_mount_the_prefix_is_gone() -> None:
    assert raw_path("/space/a b", b"/space/a%20b", "/space") == b"/a%20b"
    assert raw_path("/space/a b", None, "/space") == b"/a%20b"
    assert raw_path("/space", b"/space", "/space") == b"/"
    assert raw_path("/a", b"/a", "") == b"/a"

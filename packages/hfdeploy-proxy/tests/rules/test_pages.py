import pytest

from hfdeploy_proxy.rules.errors import Problem
from hfdeploy_proxy.rules.pages import plan_page, wants_page

BROWSER = (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8")


@pytest.mark.parametrize(
    ("method", "accept", "wanted"),
    [
        ("GET", BROWSER, True),
        ("HEAD", BROWSER, True),
        ("POST", BROWSER, False),
        ("GET", (b"accept", b"*/*"), False),
    ],
)
def test_only_who_looks_at_it_gets_a_page(method: str, accept: tuple[bytes, bytes], wanted: bool) -> None:
    assert wants_page(method, [(b"host", b"a"), accept]) is wanted


def test_a_page_looks_again_by_itself() -> None:
    headers, body = plan_page(Problem(503, "x", "Wait <now>", "It & that.", 7))
    assert b'http-equiv="refresh" content="7"' in body
    assert b"Wait &lt;now&gt;" in body
    assert b"<now>" not in body
    found = dict(headers)
    assert found[b"content-type"] == b"text/html; charset=utf-8"
    assert found[b"content-length"] == str(len(body)).encode()
    assert found[b"retry-after"] == b"7"
    assert found[b"cache-control"] == b"no-store"

import pytest

from hfdeploy_localhub.spaces.visits import Visit, find_visit, plan_entrance


@pytest.mark.parametrize(
    ("target", "visit"),
    [
        (b"/", None),
        (b"/?a=1", None),
        (b"/?a__sign=1", None),
        (b"/?__sign=w", Visit("w", b"/")),
        (b"/x?a=1&__sign=w%2Bx&b=2", Visit("w+x", b"/x?a=1&b=2")),
        (b"/?__sign=w&__sign=v", Visit("w", b"/")),
    ],
)
def test_the_word_and_the_target_without_it(target: bytes, visit: Visit | None) -> None:
    assert find_visit(target) == visit


@pytest.mark.parametrize("target", [b"/x?a=1", b"//example.com/x?a=1", b"///x?a=1"])
def test_the_way_in_stays_on_this_host(target: bytes) -> None:
    headers = dict(plan_entrance(Visit("w", target), "localhub-visit-1").headers)
    assert not headers[b"Location"].startswith(b"//")
    assert headers[b"Location"].endswith(b"?a=1")
    assert headers[b"Set-Cookie"] == b"localhub-visit-1=w; Path=/; HttpOnly; SameSite=Lax"

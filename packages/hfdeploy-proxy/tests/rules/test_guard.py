import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_proxy.rules.errors import RequestRefused
from hfdeploy_proxy.rules.guard import Guard, Key, digest_key, is_path_allowed, parse_key

ALICE, BOB = Key("alice", digest_key(b"a" * 43)), Key("bob", digest_key(b"b" * 43))
GUARD = Guard(keys=(ALICE, BOB))


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([(b"x-api-key", b"a" * 43)], ALICE),
        ([(b"authorization", b"Bearer " + b"b" * 43)], BOB),
        ([(b"authorization", b"bearer  " + b"b" * 43)], BOB),
        ([(b"authorization", b"Bearer theirs"), (b"x-api-key", b"a" * 43)], ALICE),
        ([], None),
        ([(b"x-api-key", b"")], None),
        ([(b"x-api-key", b"a" * 42)], None),
        ([(b"x-api-key", b"a" * 43), (b"x-api-key", b"a" * 43)], None),
        ([(b"authorization", b"Basic " + b"a" * 43)], None),
        ([(b"x-api-key", b"wrong"), (b"authorization", b"Bearer " + b"a" * 43)], None),
        ([(b"x-api-key", ALICE.digest.hex().encode())], None),
    ],
)
def test_a_key_is_known_by_its_hash(headers: list[tuple[bytes, bytes]], key: Key | None) -> None:
    if key is not None:
        assert GUARD.find_key(headers) == key
        return
    with pytest.raises(RequestRefused) as refused:
        GUARD.find_key(headers)
    assert refused.value.refusal.status == 401


@pytest.mark.parametrize(
    "text", ["", "alice", "alice:abc", f":{'0' * 64}", f"a b:{'0' * 64}", f"a:{'g' * 64}"]
)
def test_a_key_that_is_not_hashed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAME:SHA256"):
        parse_key(text)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (b"/health", True),
        (b"/%68ealth", True),
        (b"/health/", False),
        (b"/api/", True),
        (b"/api/v1/x%20y", True),
        (b"/api", False),
        (b"/apix", False),
        (b"/api/../admin", False),
        (b"/api/%2e%2e/admin", False),
        (b"/api/%252e%252e/admin", False),
        (b"/api/..%2fadmin", False),
        (b"/api/x%5c..%5cy", False),
        (b"/api//x", False),
        (b"/api/..;/admin", False),
        (b"/api/a.b..c", True),
    ],
)
def test_only_paths_that_read_in_one_way_are_allowed(path: bytes, allowed: bool) -> None:
    assert any(is_path_allowed(path, pattern) for pattern in ("/health", "/api/*")) is allowed


@given(st.binary(max_size=30))
def test_no_path_leaves_what_is_allowed(tail: bytes) -> None:
    path = b"/api/" + tail
    if is_path_allowed(path, "/api/*"):
        assert b"/.." not in path
        assert b"%2e" not in path.lower()
        assert b"%2f" not in path.lower()


def test_method_path_and_length_are_looked_at() -> None:
    guard = Guard(methods=frozenset(("GET", "POST")), paths=("/a",), max_body_bytes=10)
    guard.check("GET", b"/a", None)
    guard.check("POST", b"/a", 10)
    for method, path, length, status in [
        ("PUT", b"/a", None, 405),
        ("GET", b"/b", None, 403),
        ("POST", b"/a", 11, 413),
    ]:
        with pytest.raises(RequestRefused) as refused:
            guard.check(method, path, length)
        assert refused.value.refusal.status == status
    Guard().check("ANY", b"/any", 10**12)
    assert Guard().find_key([]) is None

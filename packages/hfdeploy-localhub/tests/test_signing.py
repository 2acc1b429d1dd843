import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.signing import Signer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def test_claims_come_back_until_they_expire() -> None:
    signer = Signer(b"secret")
    word = signer.sign("lfs", {"oid": "abc"}, LATER)
    assert (signer.verify("lfs", word, NOW) or {})["oid"] == "abc"
    assert signer.verify("lfs", word, LATER) is None


def test_a_word_is_good_for_its_purpose_and_its_hub_only() -> None:
    word = Signer(b"secret").sign("lfs", {"oid": "abc"}, LATER)
    assert Signer(b"secret").verify("xet", word, NOW) is None
    assert Signer(b"other").verify("lfs", word, NOW) is None


@given(st.text(max_size=60))
def test_nothing_made_up_passes(word: str) -> None:
    assert Signer(b"secret").verify("lfs", word, NOW) is None


@given(st.integers(0, 200), st.integers(1, 255))
def test_no_changed_word_passes(position: int, change: int) -> None:
    signer = Signer(b"secret")
    word = bytearray(signer.sign("lfs", {"oid": "abc", "size": 3}, LATER).encode())
    word[position % len(word)] ^= change
    changed = word.decode("latin-1")
    claims = signer.verify("lfs", changed, NOW)
    assert claims is None or claims == {"oid": "abc", "size": 3, "exp": int(LATER.timestamp())}


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    token = Signer.open(path).derive_token("alice")
    assert Signer.open(path).derive_token("Alice") == token
    assert Signer.open(path).derive_token("bob") != token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Signer.open(tmp_path / "other").derive_token("alice") != token
    assert token.startswith("hf_")
    assert len(token) == 37
    assert token.isascii()
    assert token[3:].isalnum()

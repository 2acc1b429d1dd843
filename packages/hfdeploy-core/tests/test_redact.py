import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.redact import MASK, mask, redact, remember_secret

TOKEN = st.text(string.ascii_letters + string.digits, min_size=10, max_size=40).map(lambda text: f"hf_{text}")
SECRET = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=8).filter(
    lambda secret: secret not in MASK and MASK not in secret
)
TEXT = st.text(max_size=50)


@given(TEXT, TOKEN, TEXT)
def test_what_looks_like_a_token_never_leaks(before: str, token: str, after: str) -> None:
    assert token not in mask(f"{before}{token}{after}", set())


@given(SECRET, SECRET)
def test_a_remembered_secret_never_leaks_whatever_it_looks_like(secret: str, other: str) -> None:
    masked = mask(f"a {secret} b {other}", {secret, other})
    assert secret not in masked.replace(MASK, " ")


@given(st.text(string.ascii_lowercase + " ./:-", max_size=80).filter(lambda text: "://" not in text))
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    if "bearer " not in text and "basic " not in text and "_" not in text:
        assert mask(text, set()) == text


@pytest.mark.parametrize("prefix", ["hf_", "hf_oauth_", "hf_jwt_", "api_org_"])
def test_every_kind_of_token_is_known(prefix: str) -> None:
    assert mask(f"a {prefix}AbCdEfGh12 b", set()) == f"a {MASK} b"


def test_words_that_begin_alike_are_not_masked() -> None:
    text = "hf_raise_for_status in hf_api.py with hf_transfer"
    assert mask(text, set()) == text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cret-value",
        "Illegal header value b'Bearer s3cret-value'",
        "https://user:s3cret-value@hub.test/x",
        "authorization: basic s3cret-value",
        "jwt eyJhbGciOiJI.s3cret-value.s3cret-value",
    ],
)
def test_credentials_are_known_by_where_they_stand(text: str) -> None:
    assert "s3cret-value" not in redact(text)


def test_a_secret_is_masked_in_every_form_it_takes() -> None:
    secret = "pa/ss wörd\\x"
    remember_secret(secret)
    text = f"{secret} {quote(secret, safe='')} {secret!r}"
    assert redact(text) == f"{MASK} {MASK} '{MASK}'"


def test_nothing_to_remember_masks_nothing() -> None:
    remember_secret("  ")
    assert redact("plain text") == "plain text"

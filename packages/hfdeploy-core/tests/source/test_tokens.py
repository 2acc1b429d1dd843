import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.redact import remember_secret
from hfdeploy_core.source.tokens import find_tokens

LETTERS = "".join(random.Random(1).sample(string.ascii_letters + string.digits, 60))
UPPER = "".join(random.Random(2).sample(string.ascii_uppercase, 26))
# Put together here, so that no tool takes this file for a leak.
TOKENS = {
    "a Hugging Face token": "hf_" + LETTERS[:34],
    "a GitHub token": "ghp_" + LETTERS[:36],
    "a GitLab token": "glpat-" + LETTERS[:20],
    "an AWS access key": "AKIA" + UPPER[:16],
    "an AWS secret key": f'AWS_SECRET_ACCESS_KEY = "{LETTERS[:40]}"',
    "a Google API key": "AIza" + LETTERS[:35],
    "a Slack token": "xoxb-" + LETTERS[:30],
    "an API key": "sk-proj-" + LETTERS[:40],
    "an npm token": "npm_" + LETTERS[:36],
    "a PyPI token": "pypi-AgE" + LETTERS[:50],
    "a Stripe key": "sk_live_" + LETTERS[:24],
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow",
}


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("around", ["{}", "x = '{}'\n", 'export A="{}" # b', "https://user:{}@host/"])
def test_a_token_is_found_by_line_and_kind(kind: str, around: str) -> None:
    text = "one\ntwo\n" + around.format(TOKENS[kind])
    assert [(found.line, found.kind) for found in find_tokens(text.encode())] == [(3, kind)]


@pytest.mark.parametrize(
    "text",
    [
        "from huggingface_hub import hf_hub_download",
        "hf_transformersintegration",
        "hf_" + "x" * 34,
        "ghp_" + "XXXX" * 9,
        "the header '-----BEGIN PRIVATE KEY-----' begins a key",
        "-----BEGIN PUBLIC KEY-----\nMIIB",
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "task-" + "a-very-long-name-for-a-css-class-indeed",
        "AKIA is how they begin",
    ],
)
def test_what_only_reminds_of_one_is_not(text: str) -> None:
    assert list(find_tokens(text.encode())) == []


def test_a_key_within_json_is_found() -> None:
    text = r'{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQ"}'
    assert [found.kind for found in find_tokens(text.encode())] == ["a private key"]


def test_the_secrets_of_this_deploy_are_found_whatever_they_look_like() -> None:
    remember_secret("correct horse battery")
    assert [found.line for found in find_tokens(b"\n\ncorrect horse battery")] == [3]


@given(st.binary(max_size=60), st.sampled_from(sorted(TOKENS)), st.binary(max_size=60))
def test_nothing_around_it_hides_a_token(before: bytes, kind: str, after: bytes) -> None:
    text = before + b"\n" + TOKENS[kind].encode() + b"\n" + after
    assert kind in {found.kind for found in find_tokens(text)}

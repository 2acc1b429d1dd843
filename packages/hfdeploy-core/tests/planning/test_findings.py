import base64
import json

import pytest

from hfdeploy_core.planning.findings import (
    Level,
    judge_clock,
    judge_limit,
    judge_resource,
    list_claims,
    read_claims,
)


@pytest.mark.parametrize(
    ("ahead_seconds", "level", "words"),
    [
        (0.0, Level.OK, "0 s from"),
        (-59.0, Level.OK, "59 s from"),
        (61.0, Level.WARNING, "61 s ahead of the Hub"),
        (-3600.0, Level.WARNING, "3600 s behind the Hub"),
        (None, Level.WARNING, "does not tell the time"),
    ],
)
def test_a_clock_that_is_wrong_is_told(ahead_seconds: float | None, level: Level, words: str) -> None:
    found = judge_clock(ahead_seconds)
    assert found.level is level
    assert words in found.words


@pytest.mark.parametrize(
    ("left", "most", "level", "words"),
    [
        (900, 1000, Level.OK, "900 requests left of 1,000"),
        (49, None, Level.WARNING, "Only 49 requests left"),
        (None, None, Level.OK, "no limit"),
    ],
)
def test_few_requests_left_are_a_warning(left, most, level: Level, words: str) -> None:
    found = judge_limit(left, most)
    assert found.level is level
    assert words in found.words


def test_a_token_of_one_repo_is_good_for_that_one() -> None:
    assert judge_resource("spaces/Alice/app", "spaces/alice/app", exists=True) is None
    assert judge_resource("alice/m", "models/alice/m", exists=True) is None
    for resource, exists in (("alice/app", True), ("spaces/alice/other", True), ("spaces/alice/app", False)):
        found = judge_resource(resource, "spaces/alice/app", exists=exists)
        assert found is not None
        assert (found.level, found.exit_code) == (Level.ERROR, 32)


def test_claims_are_read_but_for_what_passes() -> None:
    claims = {"sub": "repo:a/b:ref:refs/heads/main", "ref": "refs/heads/main", "exp": 1, "run_id": "7"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    read = read_claims(f"header.{body}.signature")
    assert read == {"ref": "refs/heads/main", "sub": "repo:a/b:ref:refs/heads/main"}
    assert "ref=refs/heads/main; sub=repo:a/b" in list_claims(read).words


@pytest.mark.parametrize("text", ["", "a.b", "a.!.c", "a.W10.c", "a.bnVsbA.c"])
def test_what_is_no_identity_token_has_no_claims(text: str) -> None:
    assert not read_claims(text)

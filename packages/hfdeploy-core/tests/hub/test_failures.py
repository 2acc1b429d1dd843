import pytest

from hfdeploy_core.errors import (
    Conflict,
    DeployError,
    HubFailed,
    HubRefused,
    HubUnreachable,
    PaymentRequired,
    PermissionRefused,
    RateLimited,
    RepoNotFound,
    TokenRejected,
)
from hfdeploy_core.hub.failures import Answer, map_answer, map_failure
from hfdeploy_core.hub.retry import Failure


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(401), TokenRejected),
        (Answer(401, "RepoNotFound"), RepoNotFound),
        (Answer(404, "RepoNotFound"), RepoNotFound),
        (Answer(404), RepoNotFound),
        (Answer(404, "EntryNotFound"), HubRefused),
        (Answer(402), PaymentRequired),
        (Answer(403, "GatedRepo"), PermissionRefused),
        (Answer(403), PermissionRefused),
        (Answer(409), Conflict),
        (Answer(412), Conflict),
        (Answer(400), HubRefused),
        (Answer(422), HubRefused),
    ],
)
def test_every_answer_has_its_error(answer: Answer, kind: type[DeployError]) -> None:
    assert type(map_answer(answer, "write")) is kind


def test_the_hubs_words_are_told_shortened_on_one_line_and_masked() -> None:
    error = map_answer(Answer(400, None, "Too big.\nUse hf_abcdefghijk! " + "x" * 1000), "write")
    assert error.message.startswith("Cannot write: the Hub refused it with 400: Too big. Use [redacted]")
    assert len(error.message) < 400
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure(429), RateLimited),
        (Failure(409), Conflict),
        (Failure(503), HubFailed),
        (Failure(None), HubUnreachable),
    ],
)
def test_every_failure_has_its_error(failure: Failure, kind: type[DeployError]) -> None:
    assert type(map_failure(failure, "write", "https://hub.test", "refused")) is kind


def test_the_remedy_for_a_limit_says_how_long() -> None:
    error = map_failure(Failure(429, asked_seconds=280), "write", "https://hub.test", "")
    assert "280 seconds" in error.remedy

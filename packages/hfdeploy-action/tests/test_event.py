from hfdeploy_action.event import Event, read_event

ENVIRONMENT = {"GITHUB_REPOSITORY": "alice/app", "GITHUB_SHA": "abc"}


def pull_request(head: object) -> dict[str, object]:
    return {"pull_request": {"number": 7, "head": {"repo": head}}}


def test_a_push_is_no_pull_request() -> None:
    assert read_event(ENVIRONMENT, {"ref": "refs/heads/main"}) == Event("alice/app", "abc")


def test_a_pull_request_of_the_repository_itself() -> None:
    event = read_event(ENVIRONMENT, pull_request({"full_name": "alice/app"}))
    assert event == Event("alice/app", "abc", 7, is_fork=False)


def test_a_pull_request_that_was_closed() -> None:
    closed = pull_request({"full_name": "alice/app"}) | {"action": "closed"}
    assert read_event(ENVIRONMENT, closed).is_closed
    assert not read_event(ENVIRONMENT, {"action": "closed", "issue": {}}).is_closed


def test_a_fork_also_one_that_is_gone() -> None:
    assert read_event(ENVIRONMENT, pull_request({"full_name": "bob/app"})).is_fork
    assert read_event(ENVIRONMENT, pull_request(None)).is_fork

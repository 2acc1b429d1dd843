import httpx
import pytest


def test_whoami_tells_user_token_and_organisations(alice: httpx.Client) -> None:
    told = alice.get("/api/whoami-v2").json()
    assert (told["type"], told["name"], told["orgs"][0]["name"]) == ("user", "alice", "acme")
    assert told["orgs"][0]["roleInOrg"] == "admin"
    assert told["auth"]["accessToken"]["role"] == "write"


def test_strangers_and_unknown_tokens_are_nobody(stranger: httpx.Client) -> None:
    assert stranger.get("/api/whoami-v2").status_code == 401
    refused = stranger.get("/api/whoami-v2", headers={"Authorization": "Bearer hf_made_up"})
    assert refused.status_code == 401
    assert refused.headers["X-Error-Message"] == "Invalid credentials in Authorization header"


def test_an_unknown_token_is_refused_on_public_repos_too(alice: httpx.Client, stranger: httpx.Client) -> None:
    alice.post("/api/repos/create", json={"name": "m"})
    assert stranger.get("/api/models/alice/m").status_code == 200
    refused = stranger.get("/api/models/alice/m", headers={"Authorization": "Bearer hf_made_up"})
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/users/alice/overview"),
        ("GET", "/api/organizations/acme/overview"),
        ("GET", "/api/spaces/hardware"),
        ("POST", "/api/validate-yaml"),
        ("GET", "/api/nothing"),
    ],
)
def test_an_unknown_token_is_refused_where_none_is_needed(
    stranger: httpx.Client, method: str, path: str
) -> None:
    body = {"content": "", "repoType": "model"} if method == "POST" else None
    refused = stranger.request(method, path, json=body, headers={"Authorization": "Bearer hf_made_up"})
    assert refused.status_code == 401
    assert stranger.request(method, path, json=body).status_code != 401


def test_git_sends_the_token_as_a_password(alice: httpx.Client, stranger: httpx.Client) -> None:
    token = alice.headers["Authorization"].removeprefix("Bearer ")
    assert stranger.get("/api/whoami-v2", auth=("alice", token)).json()["name"] == "alice"


def test_members_of_an_organisation(stranger: httpx.Client) -> None:
    members = stranger.get("/api/organizations/ACME/members").json()
    assert [(member["user"], member["role"]) for member in members] == [("alice", "admin")]
    assert stranger.get("/api/organizations/alice/members").status_code == 404


def test_overviews(stranger: httpx.Client) -> None:
    assert stranger.get("/api/users/ALICE/overview").json()["user"] == "alice"
    assert stranger.get("/api/organizations/acme/overview").json()["name"] == "acme"
    assert stranger.get("/api/users/acme/overview").status_code == 404
    assert stranger.get("/api/organizations/alice/overview").status_code == 404

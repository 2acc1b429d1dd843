from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hfdeploy_localhub import LocalHub, TrustedPublisher, User

from .conftest import client_for, commit, create, file

CLAIMS = {"repository": "alice/app", "ref": "refs/heads/main"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    publishers = [TrustedPublisher("alice/m", "alice", CLAIMS)]
    users = (User("alice"), User("mallory"))
    with LocalHub(tmp_path / "hub", users=users, trusted_publishers=publishers) as running:
        yield running


def exchange(client: httpx.Client, resource: str = "alice/m", **claims: str) -> httpx.Response:
    minted = client.get("/__localhub__/oidc/token", params={**CLAIMS, **claims}).json()["value"]
    return client.post(
        "/oauth/token",
        json={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "subject_token": minted,
            "resource": resource,
        },
    )


def test_a_job_gets_a_token_for_one_repo(hub: LocalHub, alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice, visibility="private")
    create(alice, "other", visibility="private")
    told = exchange(mallory).json()
    assert (told["token_type"], told["expires_in"]) == ("bearer", 3600)
    with httpx.Client(base_url=hub.endpoint) as job:
        job.headers["Authorization"] = f"Bearer {told['access_token']}"
        assert commit(job, file("a", b"1")).status_code == 200
        assert job.get("/api/models/alice/other").status_code == 404
        assert create(job, "new").status_code == 403
        assert job.get("/api/whoami-v2").json()["name"] == "alice"


def test_other_claims_or_repos_get_none(alice: httpx.Client) -> None:
    create(alice)
    create(alice, "other")
    refused = exchange(alice, ref="refs/heads/evil")
    assert refused.status_code == 403
    assert "ref=refs/heads/evil" in refused.json()["error"]
    assert exchange(alice, "alice/other").status_code == 403
    assert exchange(alice, "alice/missing").status_code == 403
    assert exchange(alice, "nonsense").status_code == 400
    assert exchange(alice, audience="http://elsewhere").status_code == 400


def test_made_up_tokens_are_refused(hub: LocalHub, alice: httpx.Client) -> None:
    create(alice)
    with client_for(hub, None) as stranger:
        assert stranger.get("/__localhub__/oidc/token").status_code == 401
        made_up = {"Authorization": "Bearer hf_jwt_made.up"}
        assert stranger.get("/api/whoami-v2", headers=made_up).status_code == 401

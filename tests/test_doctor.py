"""`hfdeploy doctor`, and deploys with a CI job's identity, against the local hub."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi

import hfdeploy_core
from hfdeploy_localhub import LocalHub, TrustedPublisher, User

from .conftest import Command
from .test_deploy import MODEL, write

CLAIMS = {"repository": "alice/app", "ref": "refs/heads/main"}


@pytest.fixture
def hub(tmp_path: Path, canary: str) -> Iterator[LocalHub]:
    users = (User("alice", canary), User("ci"))
    publishers = [TrustedPublisher("alice/m", "alice", CLAIMS)]
    with LocalHub(tmp_path / "hub", users=users, trusted_publishers=publishers) as running:
        yield running


def mint(hub: LocalHub, **claims: str) -> str:
    """A CI job's identity token with these claims."""
    headers = {"Authorization": f"Bearer {hub.tokens['ci']}"}
    with httpx.Client(base_url=hub.endpoint, headers=headers) as client:
        return client.get("/__localhub__/oidc/token", params=claims).json()["value"]


def job(hub: LocalHub, **claims: str) -> dict[str, str]:
    """The environment of a CI job with these claims."""
    return {"HF_OIDC_ID_TOKEN": mint(hub, **claims), "HF_OIDC_RESOURCE": "alice/m", "HF_TOKEN": ""}


def test_a_job_deploys_with_its_identity_and_the_doctor_says_so(
    run: Command, hub: LocalHub, api: HfApi, workspace: Path
) -> None:
    api.create_repo("alice/m")
    source = write(workspace / "source", MODEL)
    done = run("hfdeploy", "doctor", "alice/m", "--type", "model", **job(hub, **CLAIMS))
    assert done.returncode == 0, done.stdout
    assert "exchanged for a token of alice/m (OIDC)" in done.stdout
    assert "may write to model alice/m" in done.stdout
    done = run("hfdeploy", "deploy", source, "alice/m", "--type", "model", **job(hub, **CLAIMS))
    assert done.returncode == 0, done.stderr
    done = run("hfdeploy", "doctor", "alice/other", "--type", "model", **job(hub, **CLAIMS))
    assert done.returncode == 32
    assert "The token is for alice/m only, not for models/alice/other." in done.stdout


def test_where_the_job_is_refused_the_claims_to_register_are_told(
    run: Command, hub: LocalHub, api: HfApi, workspace: Path
) -> None:
    api.create_repo("alice/m")
    source = write(workspace / "source", MODEL)
    refused = job(hub, repository="alice/app", ref="refs/heads/next")
    done = run("hfdeploy", "deploy", source, "alice/m", "--type", "model", **refused)
    assert done.returncode == 31
    assert "hfdeploy doctor" in done.stderr
    done = run("hfdeploy", "doctor", "alice/m", "--type", "model", **refused)
    assert done.returncode == 31
    assert (
        f"aud={hub.endpoint}; iss={hub.endpoint}; ref=refs/heads/next; repository=alice/app." in done.stdout
    )
    assert refused["HF_OIDC_ID_TOKEN"] not in done.stdout
    done = run("hfdeploy", "doctor", **{**refused, "HF_OIDC_ID_TOKEN": ""})
    assert "id-token: write" in done.stdout


def test_a_token_that_is_passed_wins(hub: LocalHub, api: HfApi, canary: str, monkeypatch) -> None:
    for name, value in job(hub, ref="refs/heads/next").items():
        monkeypatch.setenv(name, value)
    with hfdeploy_core.connect(endpoint=hub.endpoint, token=canary) as connected:
        assert connected.whoami().role == "write"
    assert hub.requests.count("POST", "/oauth/token") == 0


def test_an_identity_is_exchanged_where_it_is_asked_for(
    hub: LocalHub, api: HfApi, canary: str, monkeypatch
) -> None:
    api.create_repo("alice/m")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", mint(hub, **CLAIMS))
    monkeypatch.setenv("HF_TOKEN", "not-this-one")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
    with hfdeploy_core.connect(endpoint=hub.endpoint, resource="alice/m") as connected:
        assert connected.whoami().role == "fineGrained"

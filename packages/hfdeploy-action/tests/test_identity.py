import base64
import json

import pytest

from hfdeploy_action.errors import IdentityMissing
from hfdeploy_action.identity import advise, ask_identity, name_resource, read_claims
from hfdeploy_core import RepoType
from hfdeploy_core.errors import TokenRejected
from hfdeploy_localhub import LocalHub


def test_a_resource_is_named_as_the_hub_does() -> None:
    assert name_resource("a/b", RepoType.SPACE) == "spaces/a/b"
    assert name_resource("a/b", RepoType.DATASET) == "datasets/a/b"
    assert name_resource("a/b", RepoType.MODEL) == "a/b"


def test_an_identity_is_asked_for_with_the_query_that_the_address_has(hub: LocalHub, canary: str) -> None:
    address = f"{hub.endpoint}/__localhub__/oidc/token?repository=a/code&ref=refs/heads/x"
    asked = {"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": canary}
    claims = read_claims(ask_identity(asked, hub.endpoint))
    assert (claims["repository"], claims["ref"], claims["aud"]) == ("a/code", "refs/heads/x", hub.endpoint)
    with pytest.raises(IdentityMissing, match="401"):
        ask_identity({**asked, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "not-one"}, hub.endpoint)
    with pytest.raises(IdentityMissing, match="URLError"):
        ask_identity({**asked, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9"}, "x")


def test_claims_are_read_or_none() -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"ref": "x"}).encode()).decode().rstrip("=")
    assert read_claims(f"head.{payload}.signature") == {"ref": "x"}
    for text in ("", "a.b", "a.!.c", "a.W10.c"):
        assert read_claims(text) == {}


def test_a_refusal_says_which_claims_to_register() -> None:
    refused = advise(
        TokenRejected("No."), "spaces/a/b", {"repository": "a/code", "ref": "refs/heads/x", "jti": "1"}
    )
    assert refused.message == "No."
    assert "spaces/a/b" in refused.remedy
    assert "repository: a/code; ref: refs/heads/x." in refused.remedy

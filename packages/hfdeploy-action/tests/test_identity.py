from hfdeploy_action.identity import advise, name_resource
from hfdeploy_core import RepoType
from hfdeploy_core.errors import TokenRejected


def test_a_resource_is_named_as_the_hub_does() -> None:
    assert name_resource("a/b", RepoType.SPACE) == "spaces/a/b"
    assert name_resource("a/b", RepoType.DATASET) == "datasets/a/b"
    assert name_resource("a/b", RepoType.MODEL) == "a/b"


def test_a_refusal_says_which_claims_to_register() -> None:
    refused = advise(
        TokenRejected("No."), "spaces/a/b", {"GITHUB_REPOSITORY": "a/code", "GITHUB_REF": "refs/heads/x"}
    )
    assert refused.message == "No."
    assert "spaces/a/b" in refused.remedy
    assert "repository: a/code; ref: refs/heads/x." in refused.remedy

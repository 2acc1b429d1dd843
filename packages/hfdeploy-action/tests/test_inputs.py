"""Every row of the validation matrix, and what comes of inputs that are right."""

import pytest
from wrong_inputs import WRONG

from hfdeploy_action.errors import InputsInvalid
from hfdeploy_action.event import Event
from hfdeploy_action.inputs import Inputs, read_inputs
from hfdeploy_core import RepoType, Visibility

RIGHT = {"huggingface_repo": "alice/app", "hf_token": "a-token"}
FORK = Event("alice/app", "0" * 40, 7, is_fork=True)


PUSH = Event("alice/app", "0" * 40)
IDENTITY = {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9"}


def read(event: Event = PUSH, **given: str) -> Inputs:
    """The inputs, by name; what is in capitals is a variable of the job."""
    named = {name if name.isupper() else f"INPUT_{name.upper()}": value for name, value in given.items()}
    return read_inputs({f"INPUT_{name.upper()}": value for name, value in RIGHT.items()} | named, event)


@pytest.mark.parametrize(("inputs", "told"), WRONG, ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_told(inputs: dict[str, str], told: str) -> None:
    with pytest.raises(InputsInvalid) as raised:
        read(**inputs)
    assert f"- {told}" in raised.value.message


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InputsInvalid) as raised:
        read(huggingface_repo="/", repo_type="app", private="x", variables="A\nB", secrets="NO", hf_token="")
    lines = raised.value.message.splitlines()
    assert lines[0] == "7 inputs are wrong."
    assert [line.split("`")[1] for line in lines[1:]] == [
        "huggingface_repo",
        "repo_type",
        "private",
        "variables",
        "variables",
        "secrets",
        "hf_token",
    ]


def test_one_name_for_a_variable_and_a_secret() -> None:
    with pytest.raises(InputsInvalid, match="KEY"):
        read(variables="KEY=1", secrets="KEY", KEY="x")


def test_a_secret_given_in_place_of_its_name_is_not_repeated() -> None:
    with pytest.raises(InputsInvalid) as raised:
        read(secrets="hunter2!")
    assert "hunter2" not in str(raised.value)


def test_what_is_not_given_is_left_as_it_is() -> None:
    inputs = read()
    assert (inputs.repo, inputs.repo_type, inputs.source) == ("alice/app", RepoType.SPACE, ".")
    assert inputs.options == {
        "repo_type": RepoType.SPACE,
        "visibility": None,
        "sdk": None,
        "message": None,
        "variables": {},
        "secrets": {},
        "mirror": False,
        "max_delete": None,
        "include": [],
        "exclude": [],
        "card": None,
    }
    assert (inputs.relay, inputs.manifest, inputs.profile) == (None, "", None)
    assert inputs.gate is not None
    assert (inputs.gate.wait_seconds, inputs.gate.rolls_back, inputs.comments) == (1200, False, False)
    assert (inputs.only_plans, inputs.fails_on_fork, inputs.uses_identity) == (False, False, False)


def test_what_is_given_is_read() -> None:
    inputs = read(
        KEY="the value",
        huggingface_repo=" app\n",
        space_sdk="docker",
        private="TRUE",
        source_dir="my app",
        commit_message="Words",
        mirror="True",
        plan_only="true",
        wait_seconds="30",
        rollback="true",
        comment="true",
        probe="/health=204\n\n ws:/live ",
        variables="A=1\n B=x=y \nC=",
        secrets="KEY",
        on_fork="fail",
        include="dist/**\n*.bin",
        exclude="tests/",
        card="card.yaml",
    )
    given = inputs.options
    assert (given["include"], given["exclude"], given["card"]) == (
        ["dist/**", "*.bin"],
        ["tests/"],
        "card.yaml",
    )
    assert (inputs.repo, inputs.source) == ("app", "my app")
    assert inputs.options["visibility"] is Visibility.PRIVATE
    assert inputs.options["variables"] == {"A": "1", "B": "x=y", "C": ""}
    assert inputs.options["secrets"] == {"KEY": "the value"}
    assert (inputs.options["sdk"], inputs.options["message"], inputs.options["mirror"]) == (
        "docker",
        "Words",
        True,
    )
    assert inputs.gate is not None
    assert (inputs.gate.wait_seconds, inputs.gate.rolls_back, inputs.comments) == (30, True, True)
    assert [probe.path for probe in inputs.gate.probes] == ["/health", "/live"]
    assert (inputs.only_plans, inputs.fails_on_fork) == (True, True)
    assert "the value" not in repr(inputs)
    assert "a-token" not in repr(inputs)


def test_a_relay_is_read_where_it_is_asked_for() -> None:
    given = {"proxy_hf_token": "relay-token", "proxy_space_suffix": "-door", "proxy_allow_origins": "*"}
    assert read(create_proxy="false", **given).relay is None
    relay = read(create_proxy="true", **given).relay
    assert relay is not None
    assert (relay.token, relay.suffix) == ("relay-token", "-door")
    assert "Dockerfile" in relay.make("alice/app").files
    assert "relay-token" not in repr(relay)
    alone = read(create_proxy="true").relay
    assert alone is not None
    assert (alone.token, alone.suffix) == (None, "-proxy")


def test_a_manifest_takes_the_place_of_one_target() -> None:
    inputs = read(
        huggingface_repo="", manifest="hfdeploy.yaml", profile="staging", create_proxy="false", source_dir="."
    )
    assert (inputs.manifest, inputs.profile) == ("hfdeploy.yaml", "staging")


def test_a_preview_is_named_or_goes_by_the_pull_request() -> None:
    pull_request = Event("alice/app", "0" * 40, 7)
    assert read(preview="spring", preview_ttl="").preview == "spring"
    assert read(pull_request, preview="Auto").preview == "pr-7"
    assert read(PUSH, preview="auto").preview is None
    assert read(pull_request).preview is None


def test_false_is_public_and_nothing_waits_for_a_model() -> None:
    inputs = read(private="false", repo_type="model", wait="true")
    assert inputs.options["visibility"] is Visibility.PUBLIC
    assert inputs.gate is None
    assert read(wait="false").gate is None


def test_a_fork_may_lack_both_kinds_of_credentials() -> None:
    assert not read(FORK, hf_token="").has_credentials
    assert not read(FORK, hf_token="", oidc="true").has_credentials
    assert read(FORK).has_credentials
    assert read(PUSH, **IDENTITY, hf_token="", oidc="true").has_credentials

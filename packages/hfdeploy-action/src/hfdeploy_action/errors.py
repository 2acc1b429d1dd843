"""What can go wrong beside what core's errors say, and remedies in the words of a workflow."""

import re
from typing import ClassVar

from hfdeploy_core import DeployError, errors


class InputsInvalid(DeployError):
    """The inputs make no sense, or contradict each other: all that is wrong with them."""

    exit_code: ClassVar[int] = 80
    advice: ClassVar[str] = "Correct the `with:` of this step."


class SecretsAbsent(DeployError):
    """A pull request from a fork: GitHub hands it no secrets."""

    exit_code: ClassVar[int] = 81
    advice: ClassVar[str] = "Deploy after the merge, or set `on_fork: skip`."


class CheckoutFailed(DeployError):
    """The workspace is empty, and the repository could not be fetched into it."""

    exit_code: ClassVar[int] = 82
    advice: ClassVar[str] = "Put a step with actions/checkout before this one."


class IdentityMissing(DeployError):
    """GitHub does not tell who the job is."""

    exit_code: ClassVar[int] = 83
    advice: ClassVar[str] = "Give the job `permissions: id-token: write`, or use `hf_token`."


class CommentFailed(DeployError):
    """The pull request cannot be commented on; what was deployed is deployed: a warning, no failure."""

    advice: ClassVar[str] = "Give the job `permissions: pull-requests: write`."


# Core's advice speaks to somebody at a command line.
_REMEDIES: dict[type[DeployError], str] = {
    DeployError: "Run the job again with debug logging for the details.",
    errors.SdkMissing: "Set `space_sdk`, or name it as `sdk:` in README.md's front matter.",
    errors.CommitTooLarge: "Deploy it from a command line, with --allow-partial.",
    errors.StateUnwritable: "Give the job the right to write to the workspace.",
    errors.TokenRejected: "Make a new token in the Hub's settings, and store it in a secret.",
    errors.HubUnreachable: "Check that the runner reaches the Hub (or HF_ENDPOINT); run it again.",
    errors.GateTimedOut: "Set a longer `wait_seconds`, or look at the Space's logs.",
    errors.DeletionRefused: "Look at it with `plan_only`; if all of that shall go, set `max_delete`.",
    errors.ManifestMissing: "Check the path, which is read from the workspace.",
    errors.ManifestInvalid: "Correct it; `hfdeploy validate` looks at it on your machine.",
    errors.ProbeFailed: "Look at the Space's run log, or correct `probe`.",
}


_OPTION = re.compile(r"--[a-z-]+")
_INPUTS = {
    "--sdk": "space_sdk",
    "--type": "repo_type",
    "--variable": "variables",
    "--secret": "secrets",
    "--private": "private",
    "--max-delete": "max_delete",
    "--include": "include",
    "--exclude": "exclude",
    "--card": "card",
    "--proxy": "create_proxy",
    "--proxy-suffix": "proxy_space_suffix",
    "--proxy-token-env": "proxy_hf_token",
    "--wait": "wait",
    "--rollback-on-failure": "rollback",
    "--probe": "probe",
    "--manifest": "manifest",
}


def reword(error: DeployError) -> tuple[str, str]:
    """Message and remedy of an error in the words of a workflow, which has inputs and no options."""
    is_general = error.remedy == type(error).advice
    remedy = _REMEDIES.get(type(error), error.remedy) if is_general else error.remedy
    return name_inputs(error.message), name_inputs(remedy)


def name_inputs(text: str) -> str:
    """The text with inputs in place of the options that it speaks of."""
    return _OPTION.sub(lambda found: _INPUTS.get(found[0], found[0]), text)

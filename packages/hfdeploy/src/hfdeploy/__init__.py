"""Deploy, rehearse and test against the Hugging Face Hub: the `hfdeploy` command, and core's public names."""

from hfdeploy_core import (
    DeployError,
    Outcome,
    RepoType,
    Sdk,
    Visibility,
    connect,
    deploy,
    errors,
    events,
    redact,
)

__all__ = [
    "DeployError",
    "Outcome",
    "RepoType",
    "Sdk",
    "Visibility",
    "connect",
    "deploy",
    "errors",
    "events",
    "redact",
]

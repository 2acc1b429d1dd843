"""Deploy, rehearse and test against the Hugging Face Hub: the `hfdeploy` command, and core's public names."""

from hfdeploy_core import (
    DeployError,
    Outcome,
    Plan,
    RepoType,
    Sdk,
    Visibility,
    apply,
    connect,
    deploy,
    errors,
    events,
    load_plan,
    plan,
    redact,
    save_plan,
)

__all__ = [
    "DeployError",
    "Outcome",
    "Plan",
    "RepoType",
    "Sdk",
    "Visibility",
    "apply",
    "connect",
    "deploy",
    "errors",
    "events",
    "load_plan",
    "plan",
    "redact",
    "save_plan",
]

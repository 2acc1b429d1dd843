"""Deploy, rehearse and test against the Hugging Face Hub: the `hfdeploy` command, and core's public names."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfdeploy_core import (
        DeployError,
        Gate,
        Outcome,
        Plan,
        Probe,
        Relay,
        RepoType,
        Sdk,
        Status,
        Visibility,
        apply,
        connect,
        create_preview,
        deploy,
        destroy,
        diagnose,
        diff,
        errors,
        events,
        list_previews,
        load_plan,
        parse_probe,
        plan,
        plan_destroy,
        plan_destroy_preview,
        plan_promote,
        plan_rollback,
        promote,
        redact,
        rollback,
        save_plan,
        status,
    )

__all__ = [
    "DeployError",
    "Gate",
    "Outcome",
    "Plan",
    "Probe",
    "Relay",
    "RepoType",
    "Sdk",
    "Status",
    "Visibility",
    "apply",
    "connect",
    "create_preview",
    "deploy",
    "destroy",
    "diagnose",
    "diff",
    "errors",
    "events",
    "list_previews",
    "load_plan",
    "parse_probe",
    "plan",
    "plan_destroy",
    "plan_destroy_preview",
    "plan_promote",
    "plan_rollback",
    "promote",
    "redact",
    "rollback",
    "save_plan",
    "status",
]


def __getattr__(name: str) -> Any:
    # Imported here: `hfdeploy --version` needs none of it, and `--help` little.
    if name in __all__:
        return getattr(import_module("hfdeploy_core"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Deploy a folder to a Hugging Face Hub repo in one commit or none."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hfdeploy_core import errors, events
from hfdeploy_core.deployment import apply, connect, deploy, plan
from hfdeploy_core.errors import DeployError
from hfdeploy_core.model import Outcome, Plan, RepoType, Sdk, Visibility
from hfdeploy_core.options import Relay
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.probes import Probe, parse_probe
from hfdeploy_core.redact import redact

if TYPE_CHECKING:
    from hfdeploy_core.destruction import destroy, plan_destroy
    from hfdeploy_core.diagnosis import diagnose
    from hfdeploy_core.inspection import diff, status
    from hfdeploy_core.planning.status import Status
    from hfdeploy_core.previewing import create_preview, list_previews, plan_destroy_preview
    from hfdeploy_core.promotion import plan_promote, promote
    from hfdeploy_core.restoring import plan_rollback, rollback
    from hfdeploy_core.saving import load_plan, save_plan

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

# Imported when they are asked for: a deploy takes none of them.
_LATE = {
    "destroy": "destruction",
    "plan_destroy": "destruction",
    "diagnose": "diagnosis",
    "diff": "inspection",
    "status": "inspection",
    "Status": "planning.status",
    "create_preview": "previewing",
    "list_previews": "previewing",
    "plan_destroy_preview": "previewing",
    "plan_promote": "promotion",
    "promote": "promotion",
    "plan_rollback": "restoring",
    "rollback": "restoring",
    "load_plan": "saving",
    "save_plan": "saving",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(f"hfdeploy_core.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

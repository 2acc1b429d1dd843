"""Deploy a folder to a Hugging Face Hub repo in one commit or none."""

from hfdeploy_core import errors, events
from hfdeploy_core.deployment import connect, deploy
from hfdeploy_core.errors import DeployError
from hfdeploy_core.model import Outcome, RepoType, Sdk, Visibility
from hfdeploy_core.redact import redact

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

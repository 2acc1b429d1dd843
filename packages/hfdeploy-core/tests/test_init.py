import subprocess
import sys

import hfdeploy_core


def test_the_public_names_are_pinned() -> None:
    assert hfdeploy_core.__all__ == [
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
    assert all(hasattr(hfdeploy_core, name) for name in hfdeploy_core.__all__)


def test_importing_it_does_not_import_the_client() -> None:
    code = "import sys, hfdeploy_core; print({'huggingface_hub', 'httpx2', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

import subprocess
import sys

import hfdeploy_janitor


def test_the_public_names_are_pinned() -> None:
    assert hfdeploy_janitor.__all__ == [
        "Fate",
        "Kind",
        "Mark",
        "Plan",
        "Policy",
        "Refusal",
        "Report",
        "Rule",
        "Seal",
        "Thing",
        "apply_plan",
        "make_plan",
        "mark",
        "verify",
    ]
    assert all(getattr(hfdeploy_janitor, name).__doc__ for name in hfdeploy_janitor.__all__)


def test_importing_it_does_not_import_the_client() -> None:
    code = "import sys, hfdeploy_janitor.cli; print({'huggingface_hub', 'httpx2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

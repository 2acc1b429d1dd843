import json
import platform
from pathlib import Path

from hfdeploy_core import deploy
from hfdeploy_core.applying.surroundings import describe_surroundings


def test_versions_platform_hub_and_run_are_told_but_no_token() -> None:
    told = describe_surroundings(
        {
            "HF_ENDPOINT": "https://me:hf_abcdefghijklmnop@hub.test",
            "HF_TOKEN": "hf_abcdefghijklmnop",
            "CI_JOB_URL": "https://ci.test/jobs/1",
        }
    )
    assert (told["hub"], told["run"]) == ("https://hub.test", "https://ci.test/jobs/1")
    assert told["python"] == platform.python_version()
    assert "hfdeploy-core" in told
    assert "hf_a" not in str(told)


def test_a_journal_begins_with_them_once_a_deploy_that_changes_something(write, hub, clock) -> None:
    root: Path = write({"notes.txt": "x"})
    for _ in range(2):
        deploy(root, "alice/m", repo_type="model", hub=hub, clock=clock)
    lines = [json.loads(line) for line in (root / ".hfdeploy/journal.jsonl").read_text().splitlines() if line]
    assert lines[0]["surroundings"]["at"] == clock.now().isoformat()
    assert sum("surroundings" in line for line in lines) == 1

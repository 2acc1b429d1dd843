"""action.yml itself, run by act as a workflow uses it, against the local hub. More in `make test-action`."""

from pathlib import Path

import pytest
from acting import Workplace
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

CARD = "---\nsdk: static\n---\n"
DEPLOY = {"huggingface_repo": "alice/app", "hf_token": "${{ secrets.HF_TOKEN }}"}


@pytest.fixture
def workplace(hub: LocalHub, tmp_path: Path, canary: str) -> Workplace:
    place = Workplace(tmp_path / "runner", hub.endpoint, {"HF_TOKEN": canary})
    (place.workspace / "my app").mkdir()
    (place.workspace / "my app/README.md").write_text(CARD)
    (place.workspace / "my app/index.html").write_text("<p>hello")
    return place


def test_a_workflow_deploys_reads_the_outputs_and_finds_nothing_to_do(
    workplace: Workplace, api: HfApi, hub: LocalHub, canary: str
) -> None:
    inputs = {**DEPLOY, "source_dir": "my app", "probe": "/=200 text=hello"}
    read = 'echo "told: $REPO at $COMMIT: $URL, $CHANGED, <$PROXY>"; test -f "$LOGS"'
    outputs = {
        "REPO": "repo_id",
        "COMMIT": "commit",
        "URL": "space_url",
        "CHANGED": "changed",
        "PROXY": "proxy_url",
    }
    job = workplace.run(
        [
            {"id": "first", "with": inputs},
            {
                "id": "read",
                "run": read,
                "env": {
                    "LOGS": "${{ steps.first.outputs.logs }}",
                    **{name: f"${{{{ steps.first.outputs.{output} }}}}" for name, output in outputs.items()},
                },
            },
            {"id": "second", "with": inputs},
            {
                "id": "wrong",
                "with": {**DEPLOY, "private": "maybe", "repo_type": "app"},
                "continue-on-error": True,
            },
        ]
    )
    print(job.log)
    assert job.succeeded
    head = api.list_repo_commits("alice/app", repo_type="space")[0].commit_id
    url = job.outputs["first"]["space_url"]
    assert f"told: alice/app at {head}: {url}, true, <>\n" in job.log
    assert job.outputs["second"]["changed"] == "false"
    assert job.outputs["second"]["commit"] == head
    assert job.results["wrong"] == "failure"
    assert any("2 inputs are wrong.%0A- `repo_type`: There is no 'app'." in told for told in job.annotations)
    assert "### ✅ alice/app was deployed" in job.summary
    assert "### ✅ alice/app has it all already" in job.summary
    assert "### ❌ alice/app was not deployed" in job.summary
    assert canary not in "".join((job.log, job.summary, *job.annotations))
    assert all(job.outputs["wrong"][name] == "" for name in ("repo_id", "commit", "space_url"))


def test_a_hostile_environment_without_uv(workplace: Workplace, api: HfApi) -> None:
    evil = workplace.folder / "evil"
    evil.mkdir()
    for name in ("json", "sitecustomize", "hashlib"):
        (evil / f"{name}.py").write_text("raise SystemExit('the environment was believed')\n")
    (workplace.programs / "uv").unlink()
    workplace.environment |= {
        "PYTHONPATH": str(evil),
        "PYTHONHOME": str(evil),
        "PYTHONSTARTUP": str(evil / "json.py"),
        "PYTHONWARNINGS": "error",
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_TARGET": str(evil),
        "PIP_PREFIX": str(evil),
        "PIP_NO_BINARY": ":all:",
        "PIP_CONSTRAINT": str(evil / "nothing.txt"),
        "PIP_REQUIRE_HASHES": "0",
    }
    job = workplace.run([{"id": "deploy", "with": {**DEPLOY, "source_dir": "my app", "wait": "false"}}])
    print(job.log, job.annotations)
    assert job.succeeded
    assert api.repo_exists("alice/app", repo_type="space")
    assert sorted(path.name for path in evil.iterdir()) == ["hashlib.py", "json.py", "sitecustomize.py"]

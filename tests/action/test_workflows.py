"""action.yml by act, against the local hub: every input, the validation matrix, forks, OIDC, cancelling."""

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from acting import ROOT, USES, Workplace, read_job
from huggingface_hub import HfApi
from wrong_inputs import WRONG

from hfdeploy_localhub import LocalHub, TrustedPublisher, User
from hfdeploy_localhub.seed import Reach, Token

CARD = "---\nsdk: static\n---\n"
DOCKERFILE = 'FROM python:3.11\nCOPY . .\nCMD ["python", "-u", "app.py"]\n'
APP = """
import http.server, os, time
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{os.environ['MODE']} {len(os.environ['API_KEY'])}".encode())
print("::error::a command of the app")
time.sleep(1)  # an app that is live at the first look has no log in the job's
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", 7860))), App).serve_forever()
"""
READER = "hf_relaysOwnTokenReadsOneSpace"
DEPLOY = {"huggingface_repo": "alice/app", "hf_token": "${{ secrets.HF_TOKEN }}"}
CLAIMS = {"repository": "alice/code", "ref": "refs/heads/main"}
MANIFEST = """
version: 1
targets:
  words: {type: model, repo: alice/words, source: words, when: "profile != 'nobody'"}
  page: {type: space, repo: alice/page, source: app, variables: {WORDS: "${targets.words.repo_id}"}}
profiles:
  staging: {targets: {page: {repo: alice/page-staging}}}
"""


@pytest.fixture
def hub(tmp_path: Path, canary: str) -> Iterator[LocalHub]:
    only = Token(READER, "fineGrained", scopes=[Reach("space", "alice/app", ["repo.content.read"])])
    publisher = TrustedPublisher("spaces/alice/app", "alice", CLAIMS)
    users = (User("alice", canary, tokens=[only]),)
    with LocalHub(tmp_path / "hub", users=users, trusted_publishers=[publisher]) as running:
        yield running


@pytest.fixture
def workplace(hub: LocalHub, tmp_path: Path, canary: str) -> Workplace:
    place = Workplace(tmp_path / "runner", hub.endpoint, {"HF_TOKEN": canary})
    write(place.workspace / "app", {"README.md": CARD, "index.html": "<p>hello"})
    return place


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)


def find_annotations(told: tuple[str, ...], kind: str) -> list[str]:
    return [text for text in told if text.startswith(f"::{kind}")]


def test_every_row_of_the_validation_matrix(workplace: Workplace, hub: LocalHub) -> None:
    steps = [
        {"id": f"row{number}", "with": {**DEPLOY, **inputs}, "continue-on-error": True}
        for number, (inputs, _) in enumerate(WRONG)
    ]
    job = workplace.run(steps)
    errors = find_annotations(job.annotations, "error")
    assert len(errors) == len(WRONG)
    for (inputs, told), error in zip(WRONG, errors, strict=True):
        assert f"- {told}" in error.replace("%25", "%"), inputs
    assert set(job.results.values()) - {"success"} == {"failure"}
    assert len(hub.requests) == 0


def test_a_space_with_all_that_can_be_asked_for(workplace: Workplace, api: HfApi, canary: str) -> None:
    card = "---\nsdk: docker\n---\n"
    write(
        workplace.workspace / "app", {"README.md": card, "Dockerfile": DOCKERFILE, "app.py": APP, "old": ""}
    )
    inputs = {
        **DEPLOY,
        "repo_type": "space",
        "space_sdk": "docker",
        "private": "True",
        "source_dir": "./app",
        "commit_message": 'Words; $(touch evil) "${HOME}"\n\nand more',
        "mirror": "true",
        "max_delete": "1",
        "plan_only": "false",
        "wait": "true",
        "wait_seconds": "60",
        "probe": "/\n/=200 text=production",
        "variables": "MODE=production\nGREETING=hello world",
        "secrets": "API_KEY",
        "include": "built/\nmore.bin",
        "exclude": "*.tmp",
        "card": "card.yaml",
        "oidc": "false",
        "on_fork": "fail",
    }
    ignored = {".hfignore": "built/\n", "left.tmp": "x"}
    write(workplace.workspace, {"card.yaml": "title: From the card\n"})
    write(workplace.workspace / "app", ignored)
    write(workplace.workspace / "app/built", {"page.html": "<p>"})
    environment = {"API_KEY": "${{ secrets.API_KEY }}"}
    workplace.secrets["API_KEY"] = "hunter22hunter22"
    job = workplace.run([{"id": "deploy", "with": inputs, "env": environment}])
    assert job.succeeded, job.annotations
    commit = api.list_repo_commits("alice/app", repo_type="space")[0]
    assert commit.title == 'Words; $(touch evil) "${HOME}"'
    info = api.space_info("alice/app")
    assert (info.private, info.sdk) == (True, "docker")
    assert info.card_data is not None
    assert info.card_data.title == "From the card"
    files = api.list_repo_files("alice/app", repo_type="space")
    assert ("built/page.html" in files, "left.tmp" in files) == (True, False)
    url, authorization = job.outputs["deploy"]["space_url"], {"Authorization": f"Bearer {canary}"}
    assert httpx.get(url, headers=authorization).text == "production 16"
    told = "".join((job.log, job.summary, *job.annotations))
    assert canary not in told
    assert "hunter22" not in told
    assert "The run log" in job.log
    assert ": :error::a command of the app" in job.log
    assert not find_annotations(job.annotations, "error")
    # One file fewer: mirrored, within the limit. Then two, over it.
    (workplace.workspace / "app/old").unlink()
    assert workplace.run([{"id": "deploy", "with": inputs, "env": environment}]).succeeded
    assert "old" not in api.list_repo_files("alice/app", repo_type="space")
    for name in ("app.py", "Dockerfile"):
        (workplace.workspace / "app" / name).unlink()
    job = workplace.run(
        [{"id": "deploy", "with": {**inputs, "wait": "false", "probe": ""}, "env": environment}]
    )
    assert not job.succeeded
    assert "pass max_delete 2" in "".join(job.annotations)


def test_models_datasets_plans_and_a_manifest(workplace: Workplace, api: HfApi) -> None:
    write(workplace.workspace / "words", {"a.txt": "a"})
    write(workplace.workspace, {"hfdeploy.yaml": MANIFEST})
    token = {"hf_token": DEPLOY["hf_token"]}
    job = workplace.run(
        [
            {"id": "plan", "with": {**DEPLOY, "source_dir": "app", "plan_only": "true"}},
            {
                "id": "model",
                "with": {"huggingface_repo": "m", "repo_type": "model", "source_dir": "words", **token},
            },
            {
                "id": "dataset",
                "with": {"huggingface_repo": "d", "repo_type": "dataset", "source_dir": "words", **token},
            },
            {"id": "both", "with": {"manifest": "hfdeploy.yaml", "profile": "staging", **token}},
        ]
    )
    assert job.succeeded, job.annotations
    assert not api.repo_exists("alice/app", repo_type="space")
    assert job.outputs["plan"]["plan"]
    assert job.outputs["plan"]["commit"] == ""
    assert job.outputs["model"]["repo_id"] == "alice/m"
    assert job.outputs["dataset"]["repo_url"].endswith("/datasets/alice/d")
    assert job.outputs["dataset"]["space_url"] == ""
    assert api.repo_exists("alice/page-staging", repo_type="space")
    assert "### ✅ hfdeploy.yaml was carried out" in job.summary
    targets = json.loads(job.outputs["both"]["targets"])
    assert targets["page"]["repo_id"] == "alice/page-staging"


def test_a_relay_that_callers_need_no_token_for(workplace: Workplace, api: HfApi, canary: str) -> None:
    inputs = {
        **DEPLOY,
        "source_dir": "app",
        "private": "true",
        "create_proxy": "true",
        "proxy_space_suffix": "-door",
        "proxy_hf_token": "${{ secrets.READER }}",
        "proxy_allow_origins": "https://www.example.com",
    }
    workplace.secrets["READER"] = READER
    job = workplace.run([{"id": "deploy", "with": inputs}])
    assert job.succeeded, job.annotations
    outputs = job.outputs["deploy"]
    assert (outputs["proxy_enabled"], outputs["proxy_repo_id"]) == ("true", "alice/app-door")
    assert httpx.get(f"{outputs['proxy_url']}/index.html").text == "<p>hello"
    assert httpx.get(f"{outputs['space_url']}/index.html").status_code in (401, 404)
    told = "".join((job.log, job.summary, *job.annotations))
    assert READER not in told
    assert "| relay | alice/app-door |" in job.summary
    url = {"proxy_target_url": outputs["space_url"]}
    assert workplace.run([{"id": "deploy", "with": {**inputs, **url}}]).succeeded


def test_a_card_that_is_wrong_is_annotated_where_it_is(workplace: Workplace) -> None:
    write(workplace.workspace / "app", {"README.md": "---\nsdk: [\n---\n"})
    job = workplace.run([{"id": "deploy", "with": {**DEPLOY, "source_dir": "app"}}])
    assert not job.succeeded
    (error,) = find_annotations(job.annotations, "error")
    assert re.match(r"::error title=[^,]+,file=app/README.md,line=[23]::The front matter of README.md", error)


def test_a_build_that_fails_fails_the_job_with_its_log(workplace: Workplace) -> None:
    broken = {
        "README.md": "---\nsdk: docker\n---\n",
        "Dockerfile": DOCKERFILE,
        "app.py": "raise SystemExit('no!')",
    }
    write(workplace.workspace / "app", broken)
    job = workplace.run([{"id": "deploy", "with": {**DEPLOY, "source_dir": "app"}}])
    assert not job.succeeded
    assert "hfdeploy%3A AppFailed" in "".join(job.annotations)
    assert "<details><summary>The last lines of the log</summary>" in job.summary
    assert "no!" in job.summary


def test_what_does_not_get_live_is_rolled_back(workplace: Workplace, api: HfApi, canary: str) -> None:
    card = "---\nsdk: docker\n---\n"
    environment = {"API_KEY": "123"}
    inputs = {
        **DEPLOY,
        "source_dir": "app",
        "variables": "MODE=first",
        "secrets": "API_KEY",
        "rollback": "true",
    }
    write(workplace.workspace / "app", {"README.md": card, "Dockerfile": DOCKERFILE, "app.py": APP})
    first = workplace.run([{"id": "deploy", "with": inputs, "env": environment}])
    assert first.succeeded, first.annotations
    write(workplace.workspace / "app", {"app.py": "raise SystemExit('no!')"})
    job = workplace.run([{"id": "deploy", "with": inputs, "env": environment}])
    assert not job.succeeded
    url, authorization = first.outputs["deploy"]["space_url"], {"Authorization": f"Bearer {canary}"}
    assert httpx.get(url, headers=authorization).text == "first 3"


def test_forks_are_skipped_or_fail(workplace: Workplace, hub: LocalHub) -> None:
    fork = {
        "number": 7,
        "head": {"ref": "x", "sha": "0" * 40, "repo": {"full_name": "bob/code"}},
        "base": {"ref": "main"},
    }
    workplace.event, workplace.payload = "pull_request", {"pull_request": fork}
    workplace.secrets.clear()
    inputs = {**DEPLOY, "source_dir": "app"}
    job = workplace.run(
        [
            {"id": "skipped", "with": inputs},
            {"id": "after", "run": 'echo "skipped: ${{ steps.skipped.outputs.skipped }}"'},
            {"id": "failed", "with": {**inputs, "on_fork": "fail"}, "continue-on-error": True},
        ]
    )
    assert job.outputs["skipped"]["skipped"] == "true"
    assert "skipped: true" in job.log
    assert job.results["failed"] == "failure"
    assert "This pull request comes from a fork" in job.summary
    assert len(hub.requests) == 0


def test_an_identity_in_place_of_a_token(
    workplace: Workplace, api: HfApi, hub: LocalHub, canary: str
) -> None:
    api.create_repo("alice/app", repo_type="space", space_sdk="static")
    minting = f"{hub.endpoint}/__localhub__/oidc/token?repository=alice/code"
    workplace.environment |= {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{minting}&ref=refs/heads/main",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": canary,
    }
    inputs = {"huggingface_repo": "alice/app", "source_dir": "app", "oidc": "true"}
    job = workplace.run([{"id": "deploy", "with": inputs}])
    assert job.succeeded, job.annotations
    assert "index.html" in api.list_repo_files("alice/app", repo_type="space")
    assert "hf_jwt" not in "".join((job.log, job.summary, *job.annotations))
    workplace.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{minting}&ref=refs/heads/evil"
    job = workplace.run([{"id": "deploy", "with": inputs}])
    assert not job.succeeded
    (error,) = find_annotations(job.annotations, "error")
    assert "TokenRejected" in error
    assert "register a trusted publisher with claims of this job" in error
    assert "repository: alice/code; ref: refs/heads/evil." in error


def test_a_cancelled_job_goes_on_when_it_is_run_again(
    workplace: Workplace, api: HfApi, hub: LocalHub
) -> None:
    inputs = {**DEPLOY, "source_dir": "app", "wait": "false"}
    steps = [{"id": "deploy", "with": inputs}]
    slow = hub.faults.add("POST /api/**/commit/* latency_seconds=30")
    running = start(workplace, steps)
    deadline = time.monotonic() + 60
    while not hub.requests.count("POST", "/api/repos/create") and time.monotonic() < deadline:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert not read_job(out).succeeded
    hub.faults.remove(slow)
    job = workplace.run(steps)
    assert job.succeeded, job.annotations
    commits = api.list_repo_commits("alice/app", repo_type="space")
    assert "index.html" in api.list_repo_files("alice/app", repo_type="space")
    assert sum("Deploy with hfdeploy" in commit.title for commit in commits) == 1


def start(workplace: Workplace, steps: list[dict[str, Any]]) -> subprocess.Popen[str]:
    workplace.write(steps)
    return subprocess.Popen(
        workplace.command(),
        cwd=workplace.workspace,
        env=workplace.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_python_that_the_distribution_manages(workplace: Workplace, api: HfApi) -> None:
    managed = [
        path
        for path in Path("/usr/lib").glob("python3.*/EXTERNALLY-MANAGED")
        if path.parent.name >= "python3.11"
    ]
    if not managed:
        pytest.skip("needs a distribution's Python 3.11 with PEP 668's mark")
    (workplace.programs / "uv").unlink()
    (workplace.programs / "python3").unlink()
    (workplace.programs / "python3").symlink_to(f"/usr/bin/{managed[0].parent.name}")
    job = workplace.run([{"id": "deploy", "with": {**DEPLOY, "source_dir": "app"}}])
    assert job.succeeded, job.annotations
    assert api.repo_exists("alice/app", repo_type="space")


def test_the_examples_of_the_readme(workplace: Workplace, api: HfApi, hub: LocalHub, canary: str) -> None:
    write(workplace.workspace, {"README.md": CARD, "index.html": "<p>", "hfdeploy.yaml": README_MANIFEST})
    write(workplace.workspace / "words", {"a.txt": "a"})
    minting = f"{hub.endpoint}/__localhub__/oidc/token?repository=alice/code"
    workplace.secrets |= {"API_KEY": "hunter22hunter22", "HF_READ_TOKEN": READER}
    workplace.environment |= {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{minting}&ref=refs/heads/main",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": canary,
    }
    pages = [ROOT / "packages/hfdeploy-action/README.md", ROOT / "README.md"]
    examples = [
        text for page in pages for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    for text in examples:
        found = yaml.safe_load(text.replace("me/app", "alice/app"))
        steps = found if isinstance(found, list) else found.get("steps") or found["jobs"]["deploy"]["steps"]
        uses = [step for step in steps if step["uses"] == USES]
        assert len(uses) == 1
        job = workplace.run(uses)
        assert job.succeeded, (text, job.annotations)
    assert len(examples) >= 7


README_MANIFEST = MANIFEST.replace("staging", "production")


def test_the_environment_of_the_job_is_left_alone(workplace: Workplace) -> None:
    told = r"^GITHUB_\|^_=\|^SHLVL=\|^RUNNER_\|^ACT"
    look = f'env | grep -v "{told}" | sort > "$HOME/$WHEN"; cat "$GITHUB_ENV" >> "$HOME/$WHEN"'
    for name in ("sort", "grep"):
        (workplace.programs / name).symlink_to(str(shutil.which(name)))
    job = workplace.run(
        [
            {"run": look, "env": {"WHEN": "before"}},
            {"id": "deploy", "with": {**DEPLOY, "source_dir": "app"}},
            {"run": look, "env": {"WHEN": "after"}},
        ]
    )
    assert job.succeeded, job.annotations
    before, after = (
        (workplace.home / name).read_text().replace(f"WHEN={name}", "") for name in ("before", "after")
    )
    assert before == after
    assert "INPUT_" not in after


def test_a_preview_comes_with_a_pull_request_and_goes_with_it(workplace: Workplace, api: HfApi) -> None:
    workplace.event = "pull_request"
    repo = {"full_name": "alice/code"}
    pull_request = {"number": 7, "head": {"ref": "x", "sha": "0" * 40, "repo": repo}, "base": {"ref": "main"}}
    inputs = {**DEPLOY, "source_dir": "app", "preview": "auto", "preview_ttl": "1d"}
    for action, is_there in (("opened", True), ("closed", False)):
        workplace.payload = {"action": action, "pull_request": pull_request, "repository": repo}
        job = workplace.run([{"id": "deploy", "with": inputs}])
        assert job.succeeded, job.annotations
        assert api.repo_exists("alice/app-pr-7", repo_type="space") == is_there
    assert not api.repo_exists("alice/app", repo_type="space")

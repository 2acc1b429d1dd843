"""The step as a whole, in this process, against the local hub."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

from .conftest import READER, Step

Run = Callable[..., Step]


@pytest.fixture
def api(hub: LocalHub, canary: str) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=canary)


def test_a_deploy_and_another_that_finds_nothing_to_do(step: Run, api: HfApi, hub: LocalHub) -> None:
    done = step(
        huggingface_repo="app", commit_message="Words", variables="A=1", secrets="KEY", KEY="hunter22"
    )
    assert done.exit_code == 0
    head = api.list_repo_commits("alice/app", repo_type="space")[0]
    assert head.title == "Words"
    assert done.outputs["repo_id"] == "alice/app"
    assert done.outputs["repo_url"] == f"{hub.endpoint}/spaces/alice/app"
    assert done.outputs["commit"] == head.commit_id
    assert done.outputs["space_url"].startswith("http")
    assert (done.outputs["changed"], done.outputs["skipped"], done.outputs["proxy_url"]) == (
        "true",
        "false",
        "",
    )
    assert "hunter22" not in done.log + done.summary
    events = [json.loads(line) for line in Path(done.outputs["logs"]).read_text().splitlines()]
    assert events[-1]["commit"] == head.commit_id
    assert done.outputs["plan"] == events[-1]["plan_digest"]
    again = step(huggingface_repo="app", commit_message="Words")
    assert (again.exit_code, again.outputs["changed"]) == (0, "false")
    assert again.outputs["commit"] == head.commit_id
    assert "has it all already" in again.summary


def test_a_plan_changes_nothing(step: Run, api: HfApi) -> None:
    done = step(plan_only="true", repo_type="model")
    assert done.exit_code == 0
    assert not api.repo_exists("alice/app")
    assert "### alice/app would change" in done.summary
    assert "    + index.html (3 B)" in done.summary.replace("      ", "    ")
    assert "::group::Plan for model alice/app\n" in done.log
    assert done.outputs["plan"]
    assert (done.outputs["commit"], done.outputs["changed"]) == ("", "false")


def test_what_is_wrong_is_told_before_anything_is_asked(step: Run, hub: LocalHub) -> None:
    done = step(repo_type="x", private="y")
    assert done.exit_code == 80
    assert "::error title=hfdeploy%3A InputsInvalid::2 inputs are wrong.%0A- `repo_type`" in done.log
    assert done.outputs["repo_id"] == ""
    assert "was not deployed" in done.summary
    assert "\n- \\`repo\\_type\\`: There is no 'x'." in done.summary
    assert len(hub.requests) == 0


def test_a_card_that_is_wrong_is_annotated_at_its_line(step: Run, workspace: Path, hub: LocalHub) -> None:
    (workspace / "app").mkdir()
    (workspace / "app/README.md").write_text("\n---\ntitle: x\nsdk: [\n---\n")
    done = step(source_dir="app")
    assert done.exit_code == 23
    assert "file=app/README.md,line=5::" in done.log


def test_what_was_changed_before_a_failure_is_told(step: Run, api: HfApi, hub: LocalHub) -> None:
    hub.faults.add("POST /api/models/alice/app/commit/** status=403 count=2")
    done = step(repo_type="model")
    assert (done.exit_code != 0, done.outputs["changed"], done.outputs["commit"]) == (True, "true", "")
    assert api.repo_exists("alice/app")
    again = step(repo_type="model")
    assert (again.exit_code, again.outputs["changed"]) == (done.exit_code, "false")


def test_a_fork_is_skipped_or_fails_as_configured(step: Run, tmp_path: Path, hub: LocalHub) -> None:
    payload = tmp_path / "event.json"
    payload.write_text(
        json.dumps({"pull_request": {"number": 1, "head": {"repo": {"full_name": "bob/app"}}}})
    )
    fork = {"GITHUB_EVENT_PATH": str(payload), "GITHUB_REPOSITORY": "alice/code", "hf_token": ""}
    done = step(**fork)
    assert (done.exit_code, done.outputs["skipped"], done.outputs["commit"]) == (0, "true", "")
    assert "::notice title=hfdeploy%3A not deployed::This pull request comes from a fork" in done.log
    assert done.summary.startswith("### Not deployed\n")
    failed = step(**fork, on_fork="fail")
    assert (failed.exit_code, failed.outputs["skipped"]) == (81, "false")
    assert len(hub.requests) == 0


def test_an_empty_workspace_is_filled(
    step: Run, workspace: Path, api: HfApi, hub: LocalHub, canary: str
) -> None:
    for file in workspace.iterdir():
        file.unlink()
    api.create_repo("alice/code", private=True)
    commit = api.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="alice/code").oid
    done = step(
        repo_type="model",
        github_token=canary,
        GITHUB_SERVER_URL=hub.endpoint,
        GITHUB_REPOSITORY="alice/code",
        GITHUB_SHA=commit,
    )
    assert done.exit_code == 0
    assert "config.json" in api.list_repo_files("alice/app")


MANIFEST = """
version: 1
targets:
  words: {type: model, repo: alice/words, source: words}
  page:
    type: space
    repo: alice/page
    source: .
    sdk: static
    variables: {WORDS: "${targets.words.repo_id}", RELEASE: "${env:RELEASE}"}
"""


def test_a_manifest_deploys_all_of_its_targets(step: Run, workspace: Path, api: HfApi) -> None:
    (workspace / "words").mkdir()
    (workspace / "words/a.txt").write_text("a")
    (workspace / "hfdeploy.yaml").write_text(MANIFEST)
    asked = {"huggingface_repo": "", "manifest": "hfdeploy.yaml", "RELEASE": "7"}
    planned = step(plan_only="true", **asked)
    assert planned.exit_code == 0
    assert not api.repo_exists("alice/words")
    assert "page: space alice/page" in planned.summary
    done = step(**asked)
    assert done.exit_code == 0
    assert "| page | ✅ [alice/page]" in done.summary
    assert (done.outputs["changed"], done.outputs["repo_id"]) == ("true", "")
    variables = {key: held.value for key, held in api.get_space_variables("alice/page").items()}
    assert variables == {"WORDS": "alice/words", "RELEASE": "7"}
    told = json.loads(done.outputs["targets"])
    assert (told["words"]["repo_id"], told["words"]["changed"]) == ("alice/words", True)
    again = step(**asked)
    assert (again.outputs["changed"], bool(again.outputs["plan"])) == ("false", True)
    unchanged = {name: {**facts, "changed": False} for name, facts in told.items()}
    assert json.loads(again.outputs["targets"]) == unchanged


def test_previews_of_a_manifest_come_and_go_with_a_pull_request(
    step: Run, workspace: Path, tmp_path: Path, api: HfApi
) -> None:
    (workspace / "words").mkdir()
    (workspace / "words/a.txt").write_text("a")
    text = MANIFEST.replace("    sdk: static\n", "    sdk: static\n    previews: true\n")
    (workspace / "hfdeploy.yaml").write_text(f"state: {{repo: alice/state}}\n{text}")
    payload = tmp_path / "event.json"
    asked = {"huggingface_repo": "", "manifest": "hfdeploy.yaml", "preview": "auto", "RELEASE": "7"}
    asked |= {"GITHUB_EVENT_PATH": str(payload), "GITHUB_REPOSITORY": "alice/code"}
    for action, is_there in (("opened", True), ("closed", False)):
        head = {"repo": {"full_name": "alice/code"}}
        payload.write_text(json.dumps({"action": action, "pull_request": {"number": 7, "head": head}}))
        done = step(**asked)
        assert (done.exit_code, done.outputs["changed"]) == (0, "true"), done.log
        assert api.repo_exists("alice/page-pr-7", repo_type="space") == is_there
    assert not api.repo_exists("alice/words")
    again = step(**asked)
    assert "nothing to delete" in again.log
    assert again.summary.startswith("### Nothing to delete")


def test_a_target_that_is_left_out_is_not_said_to_change(step: Run, workspace: Path, api: HfApi) -> None:
    (workspace / "words").mkdir()
    (workspace / "words/a.txt").write_text("a")
    targets = "targets:\n  words: {type: model, repo: alice/words, source: words, skip: true}\n"
    (workspace / "hfdeploy.yaml").write_text(f"version: 1\n{targets}")
    asked = {"huggingface_repo": "", "manifest": "hfdeploy.yaml"}
    planned = step(plan_only="true", **asked)
    assert planned.summary.startswith("### hfdeploy.yaml would stay as it is")
    assert "words: model alice/words" not in planned.log
    done = step(**asked)
    assert (done.exit_code, done.outputs["changed"], api.repo_exists("alice/words")) == (0, "false", False)


def test_a_relay_of_a_manifest_is_planned(step: Run, workspace: Path, api: HfApi) -> None:
    relay = "  door: {type: relay, upstream: page}\n"
    (workspace / "words").mkdir()
    (workspace / "words/a.txt").write_text("a")
    private = MANIFEST.replace("    sdk: static\n", "    sdk: static\n    visibility: private\n")
    (workspace / "hfdeploy.yaml").write_text(private + relay)
    asked = {"huggingface_repo": "", "manifest": "hfdeploy.yaml", "RELEASE": "7", "plan_only": "true"}
    done = step(**asked)
    assert (done.exit_code, "alice/page-proxy" in done.summary) == (0, True)


def test_what_is_wrong_with_a_manifest_is_annotated(step: Run, workspace: Path, hub: LocalHub) -> None:
    (workspace / "hfdeploy.yaml").write_text(MANIFEST.replace("sdk: static", "sdk: flask"))
    done = step(huggingface_repo="", manifest="hfdeploy.yaml", RELEASE="7")
    assert done.exit_code == 61
    assert "::error title=hfdeploy%3A ManifestInvalid,file=hfdeploy.yaml,line=9,col=10::" in done.log


def test_a_private_space_gets_a_relay(step: Run, api: HfApi, hub: LocalHub) -> None:
    refused = step(create_proxy="true")
    assert refused.exit_code == 21
    assert "a relay is for private Spaces.%0AAdd private, or drop create_proxy." in refused.log
    done = step(create_proxy="true", private="true", proxy_hf_token=READER, plan_only="true")
    assert done.exit_code == 0
    assert "| alice/app-proxy |" in done.summary
    assert not api.repo_exists("alice/app", repo_type="space")
    assert READER not in done.log + done.summary


def test_a_comment_that_cannot_be_written_is_a_warning(step: Run, tmp_path: Path, hub: LocalHub) -> None:
    payload = tmp_path / "event.json"
    payload.write_text(
        json.dumps({"pull_request": {"number": 7, "head": {"repo": {"full_name": "alice/code"}}}})
    )
    asked = {"GITHUB_EVENT_PATH": str(payload), "GITHUB_REPOSITORY": "alice/code", "comment": "true"}
    done = step(**asked, GITHUB_API_URL="http://127.0.0.1:9")
    assert (done.exit_code, done.outputs["changed"]) == (0, "true")
    assert (
        "::warning title=hfdeploy%3A no comment::The pull request cannot be commented on: no answer"
        in done.log
    )
    assert "pull-requests: write" in done.log


def test_a_preview_for_a_pull_request_and_its_end(step: Run, tmp_path: Path, api: HfApi) -> None:
    payload = tmp_path / "event.json"
    pull_request = {"number": 7, "head": {"repo": {"full_name": "alice/code"}}}
    payload.write_text(json.dumps({"action": "synchronize", "pull_request": pull_request}))
    asked = {"GITHUB_EVENT_PATH": str(payload), "GITHUB_REPOSITORY": "alice/code", "preview": "auto"}
    for changed in ("true", "false"):
        done = step(**asked)
        assert (done.exit_code, done.outputs["changed"]) == (0, changed)
        assert done.outputs["repo_id"] == "alice/app-pr-7"
    info = api.space_info("alice/app-pr-7")
    assert info.private
    assert any("expires" in tag for tag in info.card_data.tags)
    assert not api.repo_exists("alice/app", repo_type="space")
    payload.write_text(json.dumps({"action": "closed", "pull_request": pull_request}))
    done = step(**asked)
    assert (done.exit_code, done.outputs["changed"]) == (0, "true")
    assert done.summary.startswith("### alice/app-pr-7 deleted")
    assert not api.repo_exists("alice/app-pr-7", repo_type="space")
    again = step(**asked)
    assert (again.exit_code, again.outputs["changed"]) == (0, "false")
    assert "::notice title=hfdeploy%3A nothing to delete::" in again.log
    assert again.summary.startswith("### Nothing to delete")


def test_something_unexpected_is_told_without_its_traceback(
    step: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object, **named: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("hfdeploy_core.connect", fail)
    done = step()
    assert done.exit_code == 1
    assert "Something unexpected happened: ZeroDivisionError: of all things." in done.log
    assert "Traceback" not in done.log
    told = step(RUNNER_DEBUG="1")
    assert "::debug::Traceback" in told.log

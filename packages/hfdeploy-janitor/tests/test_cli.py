"""The command, over a local hub with a past."""

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from huggingface_hub import HfApi

from hfdeploy_janitor.cli import app
from hfdeploy_localhub import LocalHub

from .conftest import Past

Run = Callable[..., Result]
SWEEP = ("sweep", "--namespace", "alice", "--prefix", "test-", "--ttl", "6h")


@pytest.fixture
def run(local: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def repos(api: HfApi, past: Past) -> None:
    """Seven hours ago: one of each type to be deleted, and one to be kept. Now: one that is young."""
    past.ahead = timedelta(hours=-7)
    api.create_repo("alice/test-1")
    api.create_repo("alice/test-1", repo_type="dataset")
    api.create_repo("alice/test-1", repo_type="space", space_sdk="static", private=True)
    api.create_repo("alice/mine")
    past.ahead = timedelta()
    api.create_repo("alice/test-young")


def left(api: HfApi) -> set[str]:
    return {
        f"{kind}/{info.id}"
        for kind in ("model", "dataset", "space")
        for info in getattr(api, f"list_{kind}s")(author="alice")
    }


@pytest.mark.usefixtures("repos")
def test_without_apply_nothing_is_written(run: Run, local: LocalHub, tmp_path: Path) -> None:
    local.requests.clear()
    done = run(*SWEEP)
    assert done.exit_code == 0, done.output
    assert re.search(r"^kept +model alice/mine +no rule covers it$", done.stdout, re.MULTILINE)
    assert re.search(r"^kept +model alice/test-young +it expires at", done.stdout, re.MULTILINE)
    assert len(re.findall(r"^would delete ", done.stdout, re.MULTILINE)) == 3
    assert "weaker than marks" in done.stderr
    assert "with --apply" in done.stderr
    asked = [(entry.method, entry.path) for entry in local.requests]
    assert asked == [("GET", "/api/datasets"), ("GET", "/api/models"), ("GET", "/api/spaces")]
    assert not (tmp_path / ".hfdeploy").exists()
    assert "with --apply" not in run(*SWEEP, "--max-deletes", 1).stderr


@pytest.mark.usefixtures("repos")
def test_apply_deletes_what_is_old(run: Run, api: HfApi, tmp_path: Path) -> None:
    done = run(*SWEEP, "--apply")
    assert done.exit_code == 0, done.output
    assert "3 deleted, 2 kept." in done.stdout
    assert left(api) == {"model/alice/mine", "model/alice/test-young"}
    events = [
        json.loads(line)["event"] for line in (tmp_path / ".hfdeploy/janitor.jsonl").read_text().splitlines()
    ]
    assert events == ["intent", "deleted"] * 3
    assert "2 kept." in run(*SWEEP, "--apply").stdout


@pytest.mark.usefixtures("repos")
def test_a_report_goes_where_it_is_wanted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    run(*SWEEP, "--junit", "report.xml")
    assert 'tests="3"' in (tmp_path / "report.xml").read_text()
    assert (tmp_path / "summary.md").read_text().count("| would delete |") == 3


@pytest.mark.parametrize(
    "options",
    [
        (*SWEEP, "--apply", "--junit", "none/report.xml"),
        (*SWEEP, "--apply", "--heartbeat", "hooks.test/beat"),
        (*SWEEP, "--apply", "--heartbeat", "."),
        ("plan", *SWEEP[1:], "--out", "none/plan.json"),
        ("apply", "plan.json", "--junit", "."),
        ("run", *SWEEP[1:], "--every", "1h", "--junit", "none/report.xml"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_asked(
    run: Run, local: LocalHub, options: tuple[str, ...]
) -> None:
    done = run(*options)
    assert done.exit_code == 70
    assert "cannot be written" in done.stderr
    assert local.requests.count() == 0


def test_nor_is_anything_asked_where_a_job_has_no_summary(
    run: Run, local: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary.md"))
    done = run(*SWEEP, "--apply")
    assert (done.exit_code, local.requests.count()) == (70, 0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_whom_nobody_can_tell_is_told_before_anything_is_asked(
    run: Run, local: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFDEPLOY_JANITOR_NOTIFY", "nonsense")
    assert "none that apprise knows" in run(*SWEEP, "--apply").stderr
    assert local.requests.count() == 0


@pytest.mark.usefixtures("repos")
def test_only_a_sweep_that_ends_well_is_a_sign_of_life(
    run: Run, local: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFDEPLOY_JANITOR_HEARTBEAT", str(tmp_path / "beat"))
    run(*SWEEP, "--max-deletes", 0)
    assert not (tmp_path / "beat").exists()
    run(*SWEEP)
    assert (tmp_path / "beat").exists()
    monkeypatch.setenv("HFDEPLOY_JANITOR_HEARTBEAT", "http://127.0.0.1:9/")
    done = run(*SWEEP, "--apply")
    assert done.exit_code == 70
    assert "3 deleted" in done.stdout


@pytest.mark.usefixtures("repos")
def test_a_type_narrows_it(run: Run, api: HfApi) -> None:
    assert run(*SWEEP, "--type", "space", "--apply").exit_code == 0
    assert "space/alice/test-1" not in left(api)
    assert "model/alice/test-1" in left(api)


@pytest.mark.usefixtures("repos")
@pytest.mark.parametrize("options", [("--max-deletes", 2), ("--max-percent", 50)])
def test_over_the_maximum_nothing_goes(run: Run, api: HfApi, options: tuple[object, ...]) -> None:
    done = run(*SWEEP, *options, "--apply")
    assert done.exit_code == 5
    assert "more than the maximum" in done.stdout
    assert len(left(api)) == 5


@pytest.mark.usefixtures("repos")
def test_what_fails_is_exit_code_3_and_what_is_incomplete_4(run: Run, local: LocalHub, api: HfApi) -> None:
    local.faults.add("GET /api/datasets status=403")
    done = run(*SWEEP, "--apply")
    assert done.exit_code == 4
    assert "incomplete: datasets of alice" in done.stdout
    local.faults.clear()
    assert left(api) == {"dataset/alice/test-1", "model/alice/mine", "model/alice/test-young"}
    local.faults.add("DELETE ** status=403")
    done = run(*SWEEP, "--apply", "--json")
    assert done.exit_code == 3
    assert [thing["fate"] for thing in json.loads(done.stdout)["things"]].count("failed") == 1


@pytest.mark.usefixtures("repos")
def test_an_answer_that_is_lost_after_the_effect_is_found_out(run: Run, local: LocalHub) -> None:
    local.faults.add("DELETE ** reset=after count=1")
    done = run(*SWEEP, "--apply")
    assert (done.exit_code, "3 deleted" in done.stdout) == (0, True)


@pytest.mark.usefixtures("repos")
def test_protected_names_stay(run: Run, api: HfApi) -> None:
    done = run(*SWEEP, "--protect", "TEST-1", "--apply")
    assert "protected by 'TEST-1'" in done.stdout
    assert len(left(api)) == 5


def test_skew_ends_it(run: Run, past: Past, local: LocalHub) -> None:
    past.ahead = timedelta(minutes=10)
    done = run(*SWEEP, "--apply")
    assert done.exit_code == 74
    assert "differ by 10 min" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("--prefix", ""), 70),
        (("--prefix", "*"), 70),
        (("--ttl", "6"), 70),
        (("--ttl", "10m"), 70),
        (("--marked",), 72),
        (("--type", "thing"), 2),
    ],
)
def test_nothing_is_asked_before_the_options_make_sense(
    run: Run, local: LocalHub, arguments: tuple[str, ...], exit_code: int
) -> None:
    done = run(*SWEEP, *arguments)
    assert done.exit_code == exit_code, done.output
    assert local.requests.count() == 0


def test_marks_from_minting_to_sweeping(
    run: Run, api: HfApi, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFDEPLOY_JANITOR_KEY", "a key for tests")
    name = run("mark", "--namespace", "alice", "--run", "42", "--prefix", "test-").stdout.strip()
    assert re.fullmatch(r"test-42\.[0-9a-f]{6}-[0-9a-f]{8}-[0-9a-f]{8}-[a-z2-7]{16}", name)
    absent = run("verify", f"alice/{name}")
    assert absent.exit_code == 1
    api.create_repo(f"alice/{name}")
    told = run("verify", f"alice/{name}")
    assert told.exit_code == 0, told.output
    assert "was made by run 42." in told.stdout
    api.create_repo("alice/test-unmarked")
    assert "carries no mark" in run("verify", "alice/test-unmarked").stdout
    done = run(*SWEEP, "--marked")
    assert "it expires at" in done.stdout
    assert "it carries no mark" in done.stdout
    assert done.stderr == ""


def test_marks_of_what_is_no_repo(run: Run, api: HfApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFDEPLOY_JANITOR_KEY", "a key for tests")
    bucket = run("mark", "--namespace", "alice", "--type", "bucket").stdout.strip()
    within = ("--within", "models/alice/mine")
    branch = run("mark", "--namespace", "alice", "--type", "branch", *within).stdout.strip()
    api.create_repo("alice/mine")
    api.create_bucket(f"alice/{bucket}")
    api.create_branch("alice/mine", branch=branch)
    for kind, name in (("bucket", bucket), ("branch", branch)):
        told = run("verify", f"alice/{name}", "--type", kind)
        assert told.exit_code == 0, told.output
        assert "was made by run" in told.stdout
        absent = run("verify", f"alice/{name}-2", "--type", kind)
        assert (absent.exit_code, absent.stdout) == (1, f"{kind} alice/{name}-2 is not there.\n")


def test_a_budget_of_nothing_is_refused(run: Run, local: LocalHub) -> None:
    assert run(*SWEEP, "--budget", 0).exit_code == 2
    assert local.requests.count() == 0


def test_without_a_key_no_mark_is_minted(run: Run) -> None:
    done = run("mark", "--namespace", "alice")
    assert done.exit_code == 72
    assert "HFDEPLOY_JANITOR_KEY" in done.stderr


@pytest.mark.parametrize("repo", ["name", "a/b/c", "/name", "me/"])
@pytest.mark.parametrize("verb", ["verify", "restore"])
def test_what_is_no_repo_is_told(
    run: Run, local: LocalHub, verb: str, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFDEPLOY_JANITOR_KEY", "a key for tests")
    assert run(verb, repo).exit_code == 70
    assert local.requests.count() == 0


def test_a_failure_is_one_sentence_and_debug_shows_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("hfdeploy_janitor.client._FIRST_WAIT_SECONDS", 0)
    done = run(*SWEEP)
    assert done.exit_code == 4
    assert "no answer from the Hub" in done.stdout
    assert "Traceback" not in done.output
    assert "Traceback" in run(*SWEEP, "--ttl", "6", "--debug").stderr


CONFIG = """
rules:
  - {namespace: alice, prefix: test-, ttl: 6h, types: [model]}
  - {namespace: acme, prefix: ci-, ttl: 2h}
"""


@pytest.mark.usefixtures("repos")
def test_a_file_of_rules(run: Run, api: HfApi, past: Past, tmp_path: Path) -> None:
    past.ahead = timedelta(hours=-3)
    api.create_repo("acme/ci-1")
    past.ahead = timedelta()
    (tmp_path / "janitor.yaml").write_text(CONFIG)
    done = run("sweep", "--config", "janitor.yaml", "--apply")
    assert done.exit_code == 0, done.output
    assert re.findall(r"^deleted +(.+?)  ", done.stdout, re.MULTILINE) == [
        "model alice/test-1",
        "model acme/ci-1",
    ]
    assert "space/alice/test-1" in left(api)
    for option in (("--ttl", "6h"), ("--marked",), ("--type", "model"), ("--max-deletes", "0")):
        refused = run("sweep", "--config", "janitor.yaml", *option)
        assert refused.exit_code == 70
        assert f"{option[0]} and --config contradict" in refused.stderr


@pytest.mark.usefixtures("repos")
def test_a_plan_is_applied_later_as_far_as_it_still_holds(
    run: Run, local: LocalHub, api: HfApi, tmp_path: Path
) -> None:
    local.requests.clear()
    done = run("plan", *SWEEP[1:], "--out", "plan.json")
    assert done.exit_code == 0, done.output
    assert {entry.method for entry in local.requests} == {"GET"}
    api.move_repo("alice/test-1", "alice/test-renamed")
    api.upload_file(path_or_fileobj=b"", path_in_repo="new", repo_id="alice/test-1", repo_type="dataset")
    applied = run("apply", "plan.json")
    assert applied.exit_code == 0, applied.output
    assert "1 deleted, 2 spared." in applied.stdout
    assert left(api) == {
        "model/alice/mine",
        "model/alice/test-renamed",
        "model/alice/test-young",
        "dataset/alice/test-1",
    }
    (tmp_path / "plan.json").write_text((tmp_path / "plan.json").read_text().replace("test-1", "mine"))
    assert run("apply", "plan.json").exit_code == 71


@pytest.mark.usefixtures("repos")
def test_quarantine_and_back(run: Run, local: LocalHub, api: HfApi, past: Past) -> None:
    quarantined = (*SWEEP, "--quarantine", "24h", "--type", "space", "--type", "model")
    assert len(re.findall(r"^would quarantine ", run(*quarantined).stdout, re.MULTILINE)) == 2
    done = run(*quarantined, "--apply")
    assert done.exit_code == 0, done.output
    assert "2 kept, 2 quarantined" in done.stdout
    (model,) = [info for info in api.list_models(author="alice") if "trash" in info.id]
    assert model.private
    assert model.id.endswith(model._id)
    assert "it is in quarantine until" in run(*quarantined, "--apply").stdout
    back = run("restore", "alice/test-1")
    assert back.exit_code == 0, back.output
    assert "model alice/test-1 is back. It is public again." in back.stdout
    assert api.model_info("alice/test-1").private is False
    (space,) = [info for info in api.list_spaces(author="alice") if "trash" in info.id]
    nameless = run("restore", space.id, "--type", "space", "--state", "elsewhere")
    assert nameless.exit_code == 70
    assert "--as" in nameless.stderr
    local.faults.add("POST /api/spaces/** status=503 count=1")
    assert run("restore", space.id, "--type", "space", "--as", "test-back").exit_code != 0
    assert run("restore", space.id, "--type", "space", "--as", "acme/test-back").exit_code == 70
    named = run("restore", space.id, "--type", "space", "--as", "alice/test-back")
    assert "space alice/test-back is back. It is private." in named.stdout
    assert run("restore", "alice/test-1").exit_code == 71
    assert run("restore", "alice/mine").exit_code == 71


@pytest.mark.usefixtures("repos")
def test_what_waited_in_quarantine_is_deleted(run: Run, api: HfApi, monkeypatch: pytest.MonkeyPatch) -> None:
    quarantined = (*SWEEP, "--quarantine", "1s", "--type", "model", "--apply")
    assert "1 quarantined" in run(*quarantined).stdout
    time.sleep(1.1)
    done = run(*quarantined)
    assert re.search(r"^deleted .*test-trash-.* its quarantine ended at", done.stdout, re.MULTILINE), (
        done.output
    )
    assert not any("trash" in name for name in left(api))


@pytest.mark.usefixtures("repos")
def test_a_plan_over_the_maximum_is_never_applied(run: Run, api: HfApi) -> None:
    assert run("plan", *SWEEP[1:], "--max-deletes", 1, "--out", "plan.json").exit_code == 5
    assert run("apply", "plan.json").exit_code == 5
    assert len(left(api)) == 5

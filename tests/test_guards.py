"""What is wrong with a source, or would be lost, is told before the first write, seen from outside."""

import json
import random
import shutil
import string
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from huggingface_hub import HfApi

from hfdeploy.cli.app import app
from hfdeploy_localhub import LocalHub

from .test_deploy import write
from .test_plan import writes

Told = list[dict[str, Any]]


@pytest.fixture
def invoke(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """The command in this process, which is quicker: its lines."""
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("CI", "")

    def invoke(*arguments: object) -> Told:
        done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.exit_code == told[-1].get("exit_code", 0)
        return told

    return invoke


@pytest.fixture
def refused(invoke: Callable[..., Told], hub: LocalHub) -> Callable[..., dict[str, Any]]:
    """The command fails, and not one request was made that changes something: its error."""

    def refused(*arguments: object) -> dict[str, Any]:
        hub.requests.clear()
        error = invoke(*arguments)[-1]
        assert error["event"] == "error", error
        assert writes(hub) == []
        return error

    return refused


@pytest.fixture
def source(workspace: Path) -> Path:
    return write(workspace / "source", {"README.md": "---\nlicense: mit\n---\n", "a.txt": "a"})


MODEL = ("alice/m", "--type", "model")


def test_a_mirror_deletes_no_more_than_it_may(invoke, refused, api: HfApi, source: Path) -> None:
    write(source, {f"old/{number}.txt": "x" for number in range(101)})
    invoke("deploy", source, *MODEL)
    for path in (source / "old").iterdir():
        path.unlink()
    error = refused("deploy", source, *MODEL, "--mirror")
    assert (error["error"], error["exit_code"]) == ("DeletionRefused", 28)
    assert "--max-delete 101" in error["remedy"]
    told = invoke("plan", source, *MODEL, "--mirror")
    assert any("needs --max-delete 101" in event.get("message", "") for event in told)
    assert refused("deploy", source, *MODEL, "--mirror", "--max-delete", "few")["error"] == "SettingInvalid"
    kept = invoke("deploy", source, *MODEL, "--mirror", "--max-delete", "100%", "--keep", "old/1*.txt")
    assert kept[-1]["files_deleted"] == 101 - 12
    assert {path for path in api.list_repo_files("alice/m") if path.startswith("old/")} == {
        f"old/{number}.txt" for number in range(101) if str(number).startswith("1")
    }


def test_a_saved_plan_deletes_no_more_than_it_may_either(invoke, refused, source: Path, workspace) -> None:
    write(source, {f"old/{number}.txt": "x" for number in range(3)})
    invoke("deploy", source, *MODEL)
    for path in (source / "old").iterdir():
        path.unlink()
    plan = workspace / "plan.json"
    invoke("plan", source, *MODEL, "--mirror", "--max-delete", "2", "--out", plan)
    assert refused("apply", plan)["error"] == "DeletionRefused"
    invoke("plan", source, *MODEL, "--mirror", "--max-delete", "3", "--out", plan)
    assert invoke("apply", plan)[-1]["files_deleted"] == 3


def test_a_saved_plan_is_refused_where_the_source_cannot_be_deployed_any_more(
    invoke, refused, source: Path, workspace: Path
) -> None:
    plan = workspace / "plan.json"
    invoke("plan", source, *MODEL, "--out", plan)
    (source / "link").symlink_to("/etc/hostname")
    error = refused("apply", plan)
    assert (error["error"], error["exit_code"]) == ("LinkRefused", 14)
    assert "Replace the link" in error["remedy"]


def test_nothing_is_mirrored_from_an_empty_source(invoke, refused, source: Path, workspace: Path) -> None:
    invoke("deploy", source, *MODEL)
    (workspace / "empty/folder").mkdir(parents=True)
    error = refused("deploy", workspace / "empty", *MODEL, "--mirror", "--max-delete", "100%")
    assert (error["error"], error["exit_code"]) == ("SourceEmpty", 12)
    assert "at least one file" in error["remedy"]


# Put together here, so that no tool takes this file for a leak.
TOKEN = "hf_" + "".join(random.Random(1).sample(string.ascii_letters, 34))
KEY = "-----BEGIN " + "PRIVATE KEY-----\nMIIEow"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12\n"
SPACE = {"README.md": "---\nsdk: static\n---\n", "index.html": "<p>"}


def card(line: str) -> dict[str, bytes | str]:
    return {"README.md": f"---\nsdk: static\n{line}\n---\n"}


BAD: dict[str, tuple[dict[str, bytes | str], str, int, str, str]] = {
    "a token": ({"src/a.py": f"\nT = '{TOKEN}'"}, "SecretFound", 17, "src/a.py line 2", "--exclude"),
    "a private key": ({"server.pem": KEY}, "SecretFound", 17, "server.pem line 1", "--allow-secrets"),
    "a pointer": ({"model.bin": POINTER}, "PointerFound", 18, "model.bin", "git lfs pull"),
    "a backslash": ({"a\\b": ""}, "PathInvalid", 13, "backslash", "Rename"),
    "a control character": ({"a\x01b": ""}, "PathInvalid", 13, "control", "Rename"),
    "names that collide": ({"Index.html": ""}, "PathInvalid", 13, "Index.html, index.html", "Rename all but"),
    "a name like the Hub's": ({"readme.MD": ""}, "PathInvalid", 13, "README.md, readme.MD", "Rename all"),
    "a card with a bad color": (card("colorFrom: teal"), "CardInvalid", 23, "'teal' (line 3)", "indigo"),
    "a card with a bad port": (card("app_port: 70000"), "CardInvalid", 23, "'70000' (line 3)", "65535"),
    "a card with a float": (
        card("python_version: 3.10"),
        "CardInvalid",
        23,
        "3.1, ",
        'python_version: "3.10"',
    ),
    "a card with a flag in quotes": (card("pinned: 'yes'"), "CardInvalid", 23, "'yes' for `pinned`", "true"),
    "a card without its app": (card("app_file: app.py"), "CardInvalid", 23, "'app.py'", "file of the source"),
    "a card that says it twice": (
        card("sdk: docker"),
        "CardInvalid",
        23,
        "a second time (line 3)",
        "Keep one",
    ),
    "front matter that is a list": ({"README.md": "---\n- a\n---\n"}, "CardInvalid", 23, "mapping", "YAML"),
    "a card that is not UTF-8": ({"README.md": b"\xff"}, "CardInvalid", 23, "UTF-8", "Save"),
    "no front matter": ({"README.md": "# x"}, "CardInvalid", 23, "no front matter", "sdk: gradio"),
    "an sdk that is none": ({"README.md": "---\nsdk: flask\n---\n"}, "CardInvalid", 23, "flask", "static"),
    "YAML that is none": (
        {"README.md": "---\nsdk: static\na: [\n---\n"},
        "CardInvalid",
        23,
        "line 4",
        "YAML",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_with_a_source_is_told_before_the_first_write(what, refused, api, source: Path) -> None:
    files, name, exit_code, says, remedy = BAD[what]
    write(source, {**SPACE, **files})
    for verb in ("deploy", "plan"):
        error = refused(verb, source, "alice/app")
        assert (error["error"], error["exit_code"]) == (name, exit_code)
        assert says in error["message"]
        assert remedy in error["remedy"]
        assert TOKEN not in str(error)
    assert not api.repo_exists("alice/app", repo_type="space")


def test_a_space_that_nothing_says_how_to_run(refused, source: Path) -> None:
    (source / "README.md").unlink()
    error = refused("deploy", source, "alice/app")
    assert (error["error"], error["exit_code"], "--sdk" in error["remedy"]) == ("SdkMissing", 22, True)


def test_what_the_repos_gitignore_would_drop_is_refused(invoke, refused, api, source: Path) -> None:
    write(source, {".gitignore": "dist/\n", "dist/a.js": "1"})
    error = refused("deploy", source, *MODEL, "--include", "dist/")
    assert (error["error"], error["exit_code"]) == ("FileIgnored", 19)
    assert "that is deployed as well keeps the Hub from taking dist/a.js" in error["message"]
    assert "--exclude .gitignore" in error["remedy"]
    invoke("deploy", source, *MODEL)
    write(source, {"dist/b.js": "2"})
    (source / ".gitignore").unlink()
    error = refused("deploy", source, *MODEL)
    assert "The repo's own .gitignore keeps the Hub from taking dist/a.js, dist/b.js." in error["message"]
    assert "Deploy a .gitignore without" in error["remedy"]
    write(source, {".gitignore": "*.tmp\n"})
    assert invoke("deploy", source, *MODEL)[-1]["files_added"] == 2
    assert api.file_exists("alice/m", "dist/b.js")


def test_names_that_collide_with_the_repos_are_refused(invoke, refused, api, source: Path) -> None:
    invoke("deploy", source, *MODEL)
    (source / "a.txt").unlink()
    write(source, {"A.txt": "a"})
    error = refused("deploy", source, *MODEL)
    assert (error["error"], error["exit_code"]) == ("PathInvalid", 13)
    assert "A.txt, a.txt" in error["message"]
    invoke("deploy", source, *MODEL, "--mirror")
    assert set(api.list_repo_files("alice/m")) == {".gitattributes", "README.md", "A.txt"}


def test_all_that_is_wrong_is_told_at_once(refused, source: Path) -> None:
    write(source, {"a.py": TOKEN, "b.bin": POINTER, "c\\d": "", "README.md": "---\nsdk: a\nsdk: b\n---\n"})
    (source / "out").symlink_to("/etc/hostname")
    error = refused("deploy", source, "alice/app")
    assert (error["error"], error["exit_code"]) == ("SeveralFaults", 79)
    kinds = [fault["error"] for fault in error["faults"]]
    assert kinds == [
        "PathInvalid",
        "LinkRefused",
        "SecretFound",
        "PointerFound",
        "CardInvalid",
        "CardInvalid",
    ]
    assert all(fault["remedy"] in error["message"] for fault in error["faults"])


def test_what_hides_the_plan_hides_no_other_fault(refused, source: Path) -> None:
    write(source, {"A.txt": "A", "b.log": "", ".gitignore": "*.log\n", ".hfignore": "!*.log\n"})
    error = refused("deploy", source, "alice/app")
    kinds = [fault["error"] for fault in error["faults"]]
    assert kinds == ["SdkMissing", "PathInvalid", "FileIgnored"]


def test_secrets_that_are_meant_are_deployed_or_left_out(invoke, refused, api, source: Path) -> None:
    write(source, {"tests/fake.py": TOKEN, ".env": "A=1", "id_rsa": KEY})
    assert refused("deploy", source, *MODEL)["error"] == "SecretFound"
    told = invoke("deploy", source, *MODEL, "--exclude", "tests/")
    warned = [event["message"] for event in told if event["event"] == "warning"]
    assert [message.partition(" ")[0] for message in warned] == [".env", "id_rsa"]
    assert api.file_exists("alice/m", "a.txt")
    assert not api.file_exists("alice/m", "tests/fake.py")
    invoke("deploy", source, *MODEL, "--allow-secrets", "tests/", "--allow-secrets", "/id_rsa")
    assert set(api.list_repo_files("alice/m")) == {
        ".gitattributes",
        "README.md",
        "a.txt",
        "tests/fake.py",
        "id_rsa",
    }


def test_only_what_is_sent_is_searched(invoke, refused, api, source: Path) -> None:
    write(source, {"old.py": TOKEN})
    invoke("deploy", source, *MODEL, "--allow-secrets", "old.py")
    write(source, {"a.txt": "changed"})
    assert invoke("deploy", source, *MODEL)[-1]["files_updated"] == 1
    write(source, {"old.py": f"\n{TOKEN}"})
    assert "old.py line 2" in refused("deploy", source, *MODEL)["message"]


def test_the_token_of_the_deploy_itself_is_found(refused, source: Path, canary: str) -> None:
    write(source, {"config.ini": f"[a]\nb={canary}"})
    error = refused("deploy", source, *MODEL)
    assert "config.ini line 2" in error["message"]
    (source / "config.ini").unlink()


def test_what_is_ignored_is_left_out_and_said(invoke, refused, api, source: Path, workspace: Path) -> None:
    write(
        source, {".gitignore": "*.log\ndist/\n", "x.log": "", "dist/a.js": "", "lib/y.log": "", "b.tmp": ""}
    )
    write(source, {".hfignore": "*.tmp\n!lib/*.log\n"})
    told = invoke("plan", source, *MODEL)
    assert (told[0]["ignored"], told[0]["ignored_paths"]) == (3, ["b.tmp", "dist/", "x.log"])
    saved = workspace / "plan.json"
    asked = ("--exclude", "*.log", "--exclude", ".gitignore", "--include", "/dist")
    invoke("plan", source, *MODEL, *asked, "--out", saved)
    invoke("apply", saved)
    assert set(api.list_repo_files("alice/m")) == {".gitattributes", "README.md", "a.txt", "dist/a.js"}
    assert invoke("deploy", source, *MODEL, *asked, "--mirror")[-1]["changed"] is False
    write(source, {".hfignore": "*"})
    error = refused("deploy", source, *MODEL, "--mirror", "--max-delete", "100%")
    assert (error["error"], ".hfignore" in error["remedy"]) == ("SourceEmpty", True)


def test_a_card_is_laid_over_a_readme_that_stays_as_it_is(
    invoke, refused, api: HfApi, source: Path, workspace: Path
) -> None:
    readme = "# An app\r\n\nfor everybody\r\n"
    write(source, {"README.md": readme.encode(), "index.html": "<p>", "card.yaml": "sdk: static\ntitle: A\n"})
    card = source / "card.yaml"
    asked = (source, "alice/app", "--card", card)
    error = refused("deploy", source, "alice/app")
    assert error["error"] == "CardInvalid"
    saved = workspace / "plan.json"
    told = invoke("plan", *asked, "--out", saved)
    assert "README.md" in str(told[-1]["changes"])
    assert invoke("apply", saved)[-1]["created"]
    held = Path(api.hf_hub_download("alice/app", "README.md", repo_type="space", local_dir=workspace / "1"))
    assert held.read_bytes() == b"---\nsdk: static\ntitle: A\n---\n" + readme.encode()
    assert (source / "README.md").read_bytes() == readme.encode()
    assert not api.file_exists("alice/app", "card.yaml", repo_type="space")
    again = invoke("deploy", *asked, "--mirror")[-1]
    assert (again["changed"], again["commit"]) == (False, api.space_info("alice/app").sha)
    card.write_text("sdk: static\ntitle: B\n")
    invoke("plan", *asked, "--out", saved)
    card.write_text("sdk: static\ntitle: C\n")
    assert refused("apply", saved)["error"] == "PlanStale"
    assert invoke("deploy", *asked)[-1]["files_updated"] == 1
    card.write_text("sdk: static\ncolorTo: teal\n")
    assert "'teal'" in refused("deploy", *asked)["message"]
    for text, says in (("- a", "not a YAML mapping"), ("a: [", "line 1"), (None, "cannot be read")):
        card.write_text(text) if text else card.unlink()
        error = refused("deploy", *asked)
        assert (error["error"], error["exit_code"], says in error["message"]) == ("CardInvalid", 23, True)


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def test_a_git_revision_is_deployed_and_the_work_tree_is_left_alone(
    invoke, refused, api: HfApi, hub: LocalHub, source: Path, workspace: Path
) -> None:
    write(source, {"big.bin": b"\0" * 3000, ".gitignore": "*.log\n"})
    git(source, "init", "-q", "-b", "main")
    git(source, "add", "-A")
    git(source, "commit", "-qm", "one")
    head = git(source, "rev-parse", "HEAD")
    write(source, {"a.txt": "not committed", "new.txt": TOKEN})
    asked = (*MODEL, "--rev", "main", "--mirror")
    assert invoke("deploy", source, *asked)[-1]["files_added"] == 4
    assert set(api.list_repo_files("alice/m")) == {
        ".gitattributes",
        ".gitignore",
        "README.md",
        "a.txt",
        "big.bin",
    }
    held = Path(api.hf_hub_download("alice/m", "a.txt", local_dir=workspace / "1"))
    assert held.read_text() == "a"
    assert f"hfdeploy-commit: {head}" in api.list_repo_commits("alice/m")[0].message
    hub.requests.clear()
    again = invoke("deploy", source, *asked)[-1]
    assert (again["changed"], len(list(hub.requests))) == (False, 2)
    plan = workspace / "plan.json"
    git(source, "commit", "-qam", "two")
    invoke("plan", source, *asked, "--out", plan)
    assert invoke("apply", plan)[-1]["files_updated"] == 1
    held = Path(api.hf_hub_download("alice/m", "a.txt", local_dir=workspace / "2"))
    assert held.read_text() == "not committed"
    invoke("plan", source, *MODEL, "--rev", "main~1", "--out", plan)
    write(source, {"bad.py": TOKEN})
    git(source, "add", "bad.py")
    git(source, "commit", "-qm", "three")
    assert "bad.py line 1" in refused("deploy", source, *asked)["message"]
    error = refused("deploy", source, *MODEL, "--rev", "nowhere")
    assert (error["error"], error["exit_code"], "fetch" in error["remedy"]) == ("SourceMissing", 10, True)
    invoke("plan", source, *asked, "--exclude", "bad.py", "--out", plan)
    git(source, "commit", "-q", "--allow-empty", "-m", "four")
    git(source, "rm", "-q", "a.txt")
    git(source, "commit", "-qm", "five")
    assert refused("apply", plan)["error"] == "PlanStale"


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_is_deployed_and_one_that_is_a_trap_is_refused(
    kind: str, invoke, refused, api: HfApi, hub: LocalHub, source: Path, workspace: Path
) -> None:
    write(source, {"big.bin": b"\0" * 3000, "sub/b.txt": "b"})
    archive = shutil.make_archive(str(workspace / "packed"), kind, source)
    assert invoke("deploy", archive, *MODEL, "--mirror")[-1]["files_added"] == 4
    assert Path(api.hf_hub_download("alice/m", "sub/b.txt")).read_text() == "b"
    assert invoke("deploy", source, *MODEL, "--mirror")[-1]["changed"] is False
    plan = workspace / "plan.json"
    write(source, {"a.txt": "new"})
    archive = shutil.make_archive(str(workspace / "packed"), kind, source)
    card = write(workspace, {"card": "license: apache-2.0"}) / "card"
    invoke("plan", archive, *MODEL, "--card", card, "--out", plan)
    assert invoke("apply", plan)[-1]["files_updated"] == 2
    assert "apache" in Path(api.hf_hub_download("alice/m", "README.md")).read_text()
    with tarfile.open(workspace / "trap.tar", "w") as trap:
        for path, link in (("../out", ""), ("link", "/etc/hostname")):
            info = tarfile.TarInfo(path)
            info.type, info.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
            trap.addfile(info)
    error = refused("deploy", workspace / "trap.tar", *MODEL)
    assert [fault["error"] for fault in error["faults"]] == ["PathInvalid", "LinkRefused"]
    (workspace / "packed.zip").write_text("none")
    error = refused("deploy", workspace / "packed.zip", *MODEL)
    assert (error["error"], error["exit_code"], "zip" in error["remedy"]) == ("SourceNotAFolder", 11, True)


def test_a_manifest_may_hold_the_card_or_name_its_file(
    invoke, api: HfApi, source: Path, workspace: Path
) -> None:
    write(workspace, {"cards/file.yaml": "license: apache-2.0\n"})
    for card, license in (("cards/file.yaml", "apache-2.0"), ("{license: bsd-3-clause}", "bsd-3-clause")):
        text = f"version: 1\ntargets:\n  m: {{type: model, repo: alice/m, source: source, card: {card}}}\n"
        (workspace / "hfdeploy.yaml").write_text(text)
        told = invoke("apply", "--yes", "--manifest", workspace / "hfdeploy.yaml")
        assert told[-1]["event"] != "error", told
        assert api.model_info("alice/m").card_data.license == license
    assert "mit" in (source / "README.md").read_text()

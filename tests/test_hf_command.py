"""The stock `hf` command line against the local hub."""

import json
from pathlib import Path

from hfdeploy_localhub import LocalHub

from .conftest import Command, tree


def fill(folder: Path) -> Path:
    (folder / "a b/ü").mkdir(parents=True)
    (folder / "a b/ü/x.txt").write_text("hi")
    (folder / "empty").touch()
    (folder / "big.bin").write_bytes(bytes(range(256)) * 60_000)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# x\n")
    return folder


def without_attributes(folder: Path) -> dict[str, bytes]:
    return {path: content for path, content in tree(folder).items() if path != ".gitattributes"}


def test_whoami(run: Command) -> None:
    told = run("hf", "auth", "whoami")
    assert (told.returncode, "alice" in told.stdout, "acme" in told.stdout) == (0, True, True)
    refused = run("hf", "auth", "whoami", token="hf_nobodys")
    assert refused.returncode != 0
    assert "Invalid user token" in refused.stderr


def test_a_folder_goes_round_by_xet_and_by_lfs(run: Command, workspace: Path) -> None:
    source = fill(workspace / "source")
    assert run("hf", "repos", "create", "alice/round", "--private").returncode == 0
    for number, xet in enumerate(("0", "1")):
        name = f"alice/round{number}"
        assert run("hf", "upload", name, source, ".", "--private", HF_HUB_DISABLE_XET=xet).returncode == 0
        assert run("hf", "download", name, "--local-dir", workspace / name).returncode == 0
        assert without_attributes(workspace / name) == tree(source)


def test_a_stranger_sees_no_private_repo(run: Command, hub: LocalHub, workspace: Path) -> None:
    run("hf", "upload", "alice/secret", fill(workspace / "source"), ".", "--private")
    for token in (hub.tokens["mallory"], ""):
        refused = run("hf", "download", "alice/secret", "--local-dir", workspace / "x", token=token)
        assert refused.returncode != 0
        assert "not found" in refused.stderr
    assert not (workspace / "x/big.bin").exists()


def test_an_unchanged_folder_makes_no_commit(run: Command, workspace: Path) -> None:
    source = fill(workspace / "source")
    run("hf", "upload", "alice/m", source, ".")
    again = run("hf", "upload", "alice/m", source, ".")
    assert again.returncode == 0
    listed = run("hf", "repos", "list", "--json")
    if listed.returncode == 0:
        assert [item["id"] for item in json.loads(listed.stdout)] == ["alice/m"]


def test_a_repo_is_deleted(run: Command) -> None:
    run("hf", "repos", "create", "alice/m")
    assert run("hf", "repos", "delete", "alice/m", "--yes").returncode == 0
    assert run("hf", "download", "alice/m").returncode != 0

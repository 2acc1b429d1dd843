"""git and git-lfs themselves, on the same objects as the API."""

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

needs_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")


class Git:
    """git with a home of its own, which hands the token over as git asks for it."""

    def __init__(self, home: Path, token: str) -> None:
        home.mkdir()
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": str(home / "ask"),
            "TOKEN_OF_THIS_TEST": token,
        }
        (home / "ask").write_text('#!/bin/sh\nprintf %s "$TOKEN_OF_THIS_TEST"\n')
        (home / "ask").chmod(0o700)
        for key, value in (
            ("user.name", "alice"),
            ("user.email", "a@localhost"),
            ("init.defaultBranch", "main"),
        ):
            self("config", "--global", key, value)

    def __call__(self, *arguments: str | Path, folder: Path | None = None) -> str:
        done = self.try_(*arguments, folder=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def try_(self, *arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments], cwd=folder, env=self._environment, capture_output=True, text=True, timeout=60
        )


@pytest.fixture
def git(tmp_path: Path, canary: str) -> Git:
    return Git(tmp_path / "home", canary)


@pytest.fixture
def clone(git: Git, api: HfApi, hub: LocalHub, tmp_path: Path) -> Path:
    """A clone of alice's private model."""
    api.create_repo("alice/m", private=True)
    api.upload_file(path_or_fileobj=b"one\n", path_in_repo="f.txt", repo_id="alice/m")
    git("clone", "-q", f"{hub.endpoint}/alice/m", tmp_path / "clone")
    return tmp_path / "clone"


def commit(git: Git, clone: Path, **files: bytes) -> str:
    for name, content in files.items():
        (clone / name).write_bytes(content)
    git("add", "-A", folder=clone)
    git("commit", "-qm", "change", folder=clone)
    return git("rev-parse", "HEAD", folder=clone).strip()


def test_clone_and_push_meet_the_api(git: Git, clone: Path, api: HfApi) -> None:
    assert (clone / "f.txt").read_text() == "one\n"
    assert git("rev-parse", "HEAD", folder=clone).strip() == api.model_info("alice/m").sha
    pushed = commit(git, clone, f=b"two", new=b"file")
    git("push", "-q", folder=clone)
    assert api.model_info("alice/m").sha == pushed
    api.upload_file(path_or_fileobj=b"three\n", path_in_repo="f.txt", repo_id="alice/m")
    git("pull", "-q", folder=clone)
    assert (clone / "f.txt").read_text() == "three\n"


def test_branches_and_tags_are_pushed(git: Git, clone: Path, api: HfApi) -> None:
    git("push", "-q", "origin", "HEAD:refs/heads/next", "HEAD:refs/tags/v1", folder=clone)
    refs = api.list_repo_refs("alice/m")
    assert [ref.name for ref in refs.branches] == ["main", "next"]
    assert [ref.name for ref in refs.tags] == ["v1"]
    git("push", "-q", "origin", ":refs/heads/next", folder=clone)
    assert [ref.name for ref in api.list_repo_refs("alice/m").branches] == ["main"]


@pytest.mark.parametrize(
    ("refspec", "said"),
    [
        (":refs/heads/main", "main cannot be deleted"),
        ("HEAD:refs/pr/7", "no pull request of yours"),
        ("HEAD:refs/other/x", "Only branches and tags"),
    ],
)
def test_refs_that_cannot_be_pushed(git: Git, clone: Path, api: HfApi, refspec: str, said: str) -> None:
    head = api.model_info("alice/m").sha
    refused = git.try_("push", "origin", refspec, folder=clone)
    assert refused.returncode != 0
    assert said in refused.stderr
    assert api.model_info("alice/m").sha == head


def test_a_large_file_outside_lfs_is_refused_whole(git: Git, clone: Path, api: HfApi) -> None:
    head = api.model_info("alice/m").sha
    commit(git, clone, **{"big.txt": bytes(10 * 1024 * 1024), "small": b"x"})
    refused = git.try_("push", folder=clone)
    assert "git-lfs" in refused.stderr
    assert "big.txt" in refused.stderr
    assert api.model_info("alice/m").sha == head
    assert "small" not in api.list_repo_files("alice/m")


def test_a_pointer_without_its_content_is_refused(git: Git, clone: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 5\n"
    commit(git, clone, **{"w.bin": pointer.encode()})
    refused = git.try_("push", folder=clone)
    assert refused.returncode != 0
    assert "was not uploaded" in refused.stderr


def test_others_neither_clone_nor_push(
    git: Git, clone: Path, hub: LocalHub, api: HfApi, tmp_path: Path
) -> None:
    mallory = Git(tmp_path / "mallory", hub.tokens["mallory"])
    url = f"{hub.endpoint}/alice/m"
    assert mallory.try_("clone", "-q", url, tmp_path / "x").returncode != 0
    asked = httpx.get(f"{url}.git/info/refs?service=git-upload-pack")
    assert (asked.status_code, asked.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
    api.update_repo_settings("alice/m", visibility="public")
    mallory("clone", "-q", url, tmp_path / "y")
    commit(mallory, tmp_path / "y", evil=b"x")
    assert "403" in mallory.try_("push", folder=tmp_path / "y").stderr


def test_a_push_updates_the_space(git: Git, api: HfApi, hub: LocalHub, tmp_path: Path) -> None:
    api.create_repo("alice/s", repo_type="space", space_sdk="static")
    git("clone", "-q", f"{hub.endpoint}/spaces/alice/s", tmp_path / "s")
    pushed = commit(git, tmp_path / "s", **{"index.html": b"<h1>pushed</h1>"})
    git("push", "-q", folder=tmp_path / "s")
    for _ in range(200):
        runtime = api.get_space_runtime("alice/s")
        if runtime.stage == "RUNNING" and runtime.raw["sha"] == pushed:
            break
    assert httpx.get(api.space_info("alice/s").host).text == "<h1>pushed</h1>"


@needs_lfs
def test_large_files_go_by_git_lfs_both_ways(
    git: Git, clone: Path, api: HfApi, hub: LocalHub, tmp_path: Path
) -> None:
    git("lfs", "install")
    content = os.urandom(12_000_000)
    commit(git, clone, **{"w.safetensors": content})
    git("push", "-q", folder=clone)
    path = api.hf_hub_download("alice/m", "w.safetensors", cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == content
    git("clone", "-q", f"{hub.endpoint}/alice/m", tmp_path / "again")
    assert (tmp_path / "again/w.safetensors").read_bytes() == content

"""`hfdeploy promote` on the local hub: nothing large is sent."""

from pathlib import Path

from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

from .conftest import Command


def list_tree(api: HfApi, repo: str) -> dict[str, tuple[str, str | None]]:
    files = api.list_repo_tree(repo, repo_type="space", recursive=True)
    return {file.path: (file.blob_id, file.lfs and file.lfs.sha256) for file in files}


def test_a_tree_goes_from_space_to_space_on_the_hub(
    run: Command, hub: LocalHub, api: HfApi, workspace: Path, canary: str
) -> None:
    source = workspace / "source"
    source.mkdir()
    (source / "README.md").write_text("---\nsdk: static\n---\n")
    (source / "index.html").write_text("old")
    (source / "gone.txt").write_text("x")
    for name in ("live", "stage"):
        done = run("hfdeploy", "deploy", source, f"alice/{name}", "--private", "--mirror", token=canary)
        assert done.returncode == 0
        (source / "index.html").write_text("new")
        (source / "weights.bin").write_bytes(bytes(range(256)) * 400)
        (source / "gone.txt").unlink(missing_ok=True)
    hub.requests.clear()
    asked = ("alice/stage", "alice/live", "--wait", "--yes", "--state", workspace / "state")
    done = run("hfdeploy", "promote", *asked, token=canary)
    assert done.returncode == 0
    assert list_tree(api, "alice/live") == list_tree(api, "alice/stage")
    assert hub.requests.count("POST", "/**/lfs-files/duplicate") == 1
    assert hub.requests.count("*", "/**/xet-write-token/**") == 0
    assert hub.requests.count("POST", "/**/preupload/**") == 0
    got = workspace / "got"
    content = Path(api.hf_hub_download("alice/live", "weights.bin", repo_type="space", local_dir=got))
    assert content.read_bytes() == bytes(range(256)) * 400

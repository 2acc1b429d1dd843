"""`hfdeploy rollback` against the local hub."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

from .conftest import Command
from .test_deploy import write

CARD = "---\nsdk: static\n---\n"


def commits(api: HfApi) -> list[str]:
    return [commit.commit_id for commit in api.list_repo_commits("alice/app", repo_type="space")]


def tree_of(hub: LocalHub, api: HfApi, commit: str) -> dict[str, str]:
    info = api.repo_info("alice/app", repo_type="space", revision=commit, files_metadata=True)
    return {file.rfilename: file.blob_id for file in info.siblings}


@pytest.fixture
def deployed(run: Command, api: HfApi, workspace: Path, canary: str) -> list[str]:
    """Two deploys of a Space, all of whose files differ: their commits."""
    for number in "12":
        files = {
            "README.md": CARD,
            f"only-{number}.txt": "x",
            "odd name #1?.txt": number * 100,
            "weights.bin": number.encode() * 200_000,
            "settings.json": number,
        }
        source = write(workspace / number, files)
        options = ("--state", workspace / "state", "--mirror", "--variable", f"N={number}")
        assert run("hfdeploy", "deploy", source, "alice/app", *options, token=canary).returncode == 0
    return commits(api)[:2][::-1]


def test_an_earlier_tree_is_put_back_and_nothing_large_is_sent(
    run: Command, hub: LocalHub, api: HfApi, workspace: Path, canary: str, deployed: list[str]
) -> None:
    before = commits(api)
    hub.requests.clear()
    done = run("hfdeploy", "rollback", "alice/app", "--yes", "--state", workspace / "state", token=canary)
    assert done.returncode == 0, done.stderr
    assert commits(api)[1:] == before
    assert tree_of(hub, api, "main") == tree_of(hub, api, deployed[0])
    assert api.get_space_variables("alice/app")["N"].value == "1"
    assert hub.requests.count("POST", "/api/**/commit/*") == 1
    # What differs and is small: two files with other contents, and the one that was deleted.
    assert hub.requests.count("GET", "/**/resolve/**") == 3
    assert not hub.requests.find("*", "/**/*weights*")
    assert not hub.requests.find("POST|PUT", "/**/lfs/**")
    assert not hub.requests.find("*", "/**/xet-write-token/**")


def test_forth_again_by_a_short_id_and_by_a_tag(
    run: Command, hub: LocalHub, api: HfApi, workspace: Path, canary: str, deployed: list[str]
) -> None:
    api.create_tag("alice/app", tag="v2", revision=deployed[1], repo_type="space")
    for revision, commit in ((deployed[0][:10], deployed[0]), ("v2", deployed[1])):
        done = run(
            "hfdeploy", "rollback", "alice/app", "--to", revision, "--yes", "--state", workspace, token=canary
        )
        assert done.returncode == 0, done.stderr
        assert tree_of(hub, api, "main") == tree_of(hub, api, commit)


def test_a_revision_that_is_not_there_changes_nothing(
    run: Command, hub: LocalHub, api: HfApi, canary: str, deployed: list[str]
) -> None:
    hub.requests.clear()
    done = run("hfdeploy", "rollback", "alice/app", "--to", "no/such", "--yes", token=canary)
    assert done.returncode == 29
    assert "no such commit, branch or tag" in done.stderr
    assert not [item for item in hub.requests if item.method != "GET"]


def test_whoever_may_not_write_changes_nothing(
    run: Command, hub: LocalHub, api: HfApi, canary: str, workspace: Path, deployed: list[str]
) -> None:
    before = commits(api)
    token = hub.tokens["mallory"]
    done = run("hfdeploy", "rollback", "alice/app", "--yes", "--state", workspace / "theirs", token=token)
    assert done.returncode == 32
    assert commits(api) == before

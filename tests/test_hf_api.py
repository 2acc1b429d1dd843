"""The stock Python client against the local hub."""

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from hfdeploy_localhub import LocalHub


def test_one_commit_adds_and_deletes(api: HfApi) -> None:
    api.create_repo("alice/m")
    api.upload_file(path_or_fileobj=b"old", path_in_repo="old.txt", repo_id="alice/m")
    made = api.create_commit(
        "alice/m",
        [
            CommitOperationAdd("dir/a.txt", b"new"),
            CommitOperationAdd("w.safetensors", b"weights" * 1000),
            CommitOperationDelete("old.txt"),
        ],
        commit_message="Title",
        commit_description="More about it",
    )
    assert api.list_repo_files("alice/m") == [".gitattributes", "dir/a.txt", "w.safetensors"]
    newest = api.list_repo_commits("alice/m")[0]
    assert (newest.commit_id, newest.title, newest.message) == (made.oid, "Title", "More about it")
    assert api.model_info("alice/m").sha == made.oid
    (weights,) = api.get_paths_info("alice/m", ["w.safetensors"])
    assert weights.lfs.size == weights.size == 7000


def test_errors_are_the_clients_own(api: HfApi, hub: LocalHub) -> None:
    api.create_repo("alice/m")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("alice/nope")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("nope")
    with pytest.raises(RevisionNotFoundError):
        api.model_info("alice/m", revision="nope")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download("alice/m", "nope")
    with pytest.raises(HfHubHTTPError, match="already created"):
        api.create_repo("alice/m")
    api.create_repo("alice/m", exist_ok=True)
    mallory = HfApi(endpoint=hub.endpoint, token=hub.tokens["mallory"])
    with pytest.raises(HfHubHTTPError, match="403"):
        mallory.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="alice/m")
    with pytest.raises(HfHubHTTPError, match="403"):
        mallory.create_repo("acme/m")


def test_visibility_and_names_change(api: HfApi, hub: LocalHub) -> None:
    api.create_repo("alice/m")
    api.update_repo_settings("alice/m", visibility="private")
    stranger = HfApi(endpoint=hub.endpoint, token=False)
    with pytest.raises(RepositoryNotFoundError):
        stranger.model_info("alice/m")
    api.move_repo("alice/m", "acme/n")
    assert api.model_info("alice/m").id == "acme/n"
    assert [model.id for model in api.list_models(author="acme")] == ["acme/n"]


def test_a_whole_repo_is_downloaded_at_a_revision(api: HfApi, tmp_path: Path) -> None:
    api.create_repo("alice/d", repo_type="dataset")
    first = api.upload_file(
        path_or_fileobj=b"1", path_in_repo="x/1.csv", repo_id="alice/d", repo_type="dataset"
    )
    api.upload_file(path_or_fileobj=b"2", path_in_repo="x/2.csv", repo_id="alice/d", repo_type="dataset")
    folder = snapshot_download(
        "alice/d",
        repo_type="dataset",
        revision=first.oid,
        cache_dir=tmp_path,
        endpoint=api.endpoint,
        token=api.token,
    )
    assert sorted(path.name for path in Path(folder, "x").iterdir()) == ["1.csv"]


def test_a_spaces_settings(api: HfApi, hub: LocalHub) -> None:
    api.create_repo("alice/s", repo_type="space", space_sdk="docker", private=True)
    api.add_space_secret("alice/s", "KEY", "hidden-value", description="what for")
    secrets = api.get_space_secrets("alice/s")
    assert secrets["KEY"].description == "what for"
    assert "hidden-value" not in repr(secrets)
    api.add_space_variable("alice/s", "MODE", "fast")
    assert api.get_space_variables("alice/s")["MODE"].value == "fast"
    api.delete_space_variable("alice/s", "MODE")
    assert api.get_space_variables("alice/s") == {}
    api.delete_space_secret("alice/s", "KEY")
    api.delete_space_secret("alice/s", "KEY")
    assert api.get_space_secrets("alice/s") == {}
    runtime = api.get_space_runtime("alice/s")
    assert runtime.stage == "NO_APP_FILE"
    assert runtime.raw["sha"] == api.space_info("alice/s").sha
    assert api.pause_space("alice/s").stage == "PAUSED"
    mallory = HfApi(endpoint=hub.endpoint, token=hub.tokens["mallory"])
    with pytest.raises(RepositoryNotFoundError):
        mallory.get_space_runtime("alice/s")

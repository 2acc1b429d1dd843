import os
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_action.checkout import check_out, is_needed
from hfdeploy_action.errors import CheckoutFailed
from hfdeploy_localhub import LocalHub


def test_only_an_empty_workspace_has_to_be_filled(tmp_path: Path) -> None:
    assert is_needed(tmp_path, ".")
    assert is_needed(tmp_path, "app")
    assert not is_needed(tmp_path, str(tmp_path))
    assert not is_needed(tmp_path / "nowhere", ".")
    (tmp_path / "x").write_text("")
    assert not is_needed(tmp_path, ".")


def test_the_commit_comes_and_the_token_stays_out_of_the_folder(
    hub: LocalHub, canary: str, tmp_path: Path
) -> None:
    # The local hub serves git as any server does; the repo is private, so that the token is needed.
    api = HfApi(endpoint=hub.endpoint, token=canary)
    api.create_repo("alice/code", private=True)
    wanted = api.upload_file(path_or_fileobj=b"one", path_in_repo="a.txt", repo_id="alice/code").oid
    api.upload_file(path_or_fileobj=b"two", path_in_repo="a.txt", repo_id="alice/code")
    place = tmp_path / "work space"
    place.mkdir()
    check_out(place, "alice/code", wanted, hub.endpoint, canary, os.environ)
    assert (place / "a.txt").read_text() == "one"
    config = (place / ".git/config").read_text()
    assert "extraheader" not in config
    assert f"url = {hub.endpoint}/alice/code" in config
    log = subprocess.run(["git", "log", "--oneline"], cwd=place, capture_output=True, text=True, check=True)
    assert len(log.stdout.splitlines()) == 1


def test_what_cannot_be_fetched_is_told(hub: LocalHub, tmp_path: Path) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    with pytest.raises(CheckoutFailed, match="git fetch failed") as raised:
        check_out(place, "alice/nothing", "0" * 40, hub.endpoint, "", os.environ)
    assert raised.value.remedy == "Put a step with actions/checkout before this one."
    with pytest.raises(CheckoutFailed, match="no git"):
        check_out(place, "alice/nothing", "0" * 40, hub.endpoint, "", {"PATH": str(tmp_path)})

"""`hfdeploy preview` on the local hub, and the janitor that honours what its card says."""

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_core import create_preview
from hfdeploy_core.hub.client import HubClient
from hfdeploy_localhub import LocalHub

from .conftest import Command

CARD = "---\ntitle: x\nsdk: static\n---\n"


@pytest.fixture
def source(workspace: Path) -> Path:
    root = workspace / "source"
    root.mkdir()
    (root / "README.md").write_text(CARD)
    (root / "index.html").write_text("<p>preview")
    return root


def test_the_janitor_leaves_it_until_it_expires(
    run: Command, hub: LocalHub, api: HfApi, source: Path, canary: str
) -> None:
    named = ("alice/app", "--id", "pr-1")
    made = run("hfdeploy", "preview", "create", source, *named, "--json", token=canary)
    assert made.returncode == 0
    assert json.loads(made.stdout.splitlines()[-1])["repo_id"] == "alice/app-pr-1"
    info = api.space_info("alice/app-pr-1")
    assert info.private
    assert api.get_space_variables("alice/app-pr-1")["HFDEPLOY_PREVIEW_OF"].value == "alice/app"
    again = run("hfdeploy", "preview", "create", source, *named, token=canary)
    assert "Nothing to do" in again.stdout

    # As `create` would have made it three days ago.
    with HubClient(endpoint=hub.endpoint, token=canary, on_event=print) as connected:
        old = "hfdeploy-expires-2020-01-01T00:00Z"
        create_preview(source, "alice/app", id="pr-2", tags=[old], state=source / ".hfdeploy", hub=connected)
    sweep = (
        "--namespace",
        "alice",
        "--prefix",
        "app-pr-",
        "--type",
        "space",
        "--ttl",
        "0s",
        "--min-age",
        "0s",
    )
    swept = run("hfdeploy", "janitor", "sweep", *sweep, "--apply", token=canary)
    assert swept.returncode == 0
    assert [space.id for space in api.list_spaces(author="alice")] == ["alice/app-pr-1"]

    assert run("hfdeploy", "deploy", source, "alice/app", "--no-wait", token=canary).returncode == 0
    (source / "index.html").write_text("<p>better")
    assert run("hfdeploy", "preview", "create", source, *named, token=canary).returncode == 0
    promoted = run("hfdeploy", "promote", "alice/app-pr-1", "alice/app", "--yes", token=canary)
    assert promoted.returncode == 0
    held = {
        path: Path(api.hf_hub_download("alice/app", path, repo_type="space", local_dir=source.parent / "got"))
        for path in ("README.md", "index.html")
    }
    assert {path: place.read_text() for path, place in held.items()} == {
        "README.md": CARD,
        "index.html": "<p>better",
    }

    gone = run("hfdeploy", "preview", "destroy", *named, "--yes", token=canary)
    assert gone.returncode == 0
    assert [space.id for space in api.list_spaces(author="alice")] == ["alice/app"]

"""`hfdeploy status` and `hfdeploy diff` against the local hub."""

import json
from pathlib import Path

from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

from .conftest import Command
from .test_deploy import MODEL, write


def test_a_repo_that_others_changed(
    run: Command, hub: LocalHub, api: HfApi, workspace: Path, canary: str
) -> None:
    source = write(workspace / "source", {**MODEL, "weights.bin": b"w" * 30_000})
    assert run("hfdeploy", "deploy", source, "alice/m", "--type", "model", token=canary).returncode == 0
    commit = api.model_info("alice/m").sha
    api.upload_file(path_or_fileobj=b"{}\n", path_in_repo="a b/#?.json", repo_id="alice/m")
    api.update_repo_settings("alice/m", gated="auto")
    hub.requests.clear()
    done = run("hfdeploy", "status", "alice/m", "--type", "model", "--json", "--state", source, token=canary)
    told = json.loads(done.stdout)
    assert told["deployed"]["commit"] == commit
    assert told["changed_files"] == ["a b/#?.json"]
    write(source, {"config.json": '{"a": 1}\n', "weights.bin": b"v" * 40_000})
    done = run("hfdeploy", "diff", source, "alice/m", "--type", "model", "--mirror", token=canary)
    assert done.stdout.splitlines() == [
        "--- a/config.json",
        "+++ b/config.json",
        "@@ -1 +1 @@",
        "-{}",
        "\\ No newline at end of file",
        '+{"a": 1}',
        "weights.bin: 30,000 bytes -> 40,000 bytes",
        "--- a/a b/#?.json",
        "+++ /dev/null",
        "@@ -1 +0,0 @@",
        "-{}",
    ]
    assert {item.method for item in hub.requests} == {"GET"}

"""The relay as a Space of the local hub: deployed from its plan, started from its Dockerfile, and asked."""

import time

import httpx
from huggingface_hub import CommitOperationAdd, HfApi

from hfdeploy_localhub import LocalHub
from hfdeploy_proxy.space import MARKER_FILE, find_target, plan_space


def deploy_relay(api: HfApi, name: str, target: str, **given: str) -> str:
    """Make the Space and return its address once it runs."""
    planned = plan_space(target, hf_endpoint=api.endpoint, **given)
    api.create_repo(
        name,
        repo_type="space",
        space_sdk="docker",
        space_secrets=[{"key": "HF_TOKEN", "value": str(api.token)}],
        space_variables=[{"key": key, "value": value} for key, value in planned.variables.items()],
    )
    operations = [
        CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)
        for path, content in planned.files.items()
    ]
    made = api.create_commit(name, operations, commit_message="relay", repo_type="space")
    deadline = time.monotonic() + 60
    while (runtime := api.get_space_runtime(name)).raw["sha"] != made.oid or runtime.stage != "RUNNING":
        assert time.monotonic() < deadline, runtime.raw
        assert not runtime.stage.endswith("ERROR"), list(api.fetch_space_logs(name, build=True))
        time.sleep(0.1)
    host = api.space_info(name).host
    assert host
    return host


def test_it_runs_as_a_space_of_its_own(hub: LocalHub) -> None:
    # Not the suite's token: the hub has to keep a Space's secrets as they are.
    api = HfApi(endpoint=hub.endpoint, token=hub.tokens["mallory"])
    api.create_repo("mallory/page", repo_type="space", space_sdk="static", private=True)
    api.upload_file(
        path_or_fileobj=b"<h1>hello</h1>",
        path_in_repo="index.html",
        repo_id="mallory/page",
        repo_type="space",
    )
    address = deploy_relay(api, "mallory/page-relay", "mallory/page", allow_origins="https://a.com")
    answer = httpx.get(address, headers={"Origin": "https://a.com"})
    assert (answer.status_code, answer.text) == (200, "<h1>hello</h1>")
    assert answer.headers["access-control-allow-origin"] == "https://a.com"
    assert httpx.get(address, headers={"Origin": "https://b.com"}).status_code == 403
    assert str(api.token) not in str(answer.headers)

    marker = httpx.get(f"{hub.endpoint}/spaces/mallory/page-relay/resolve/main/{MARKER_FILE}").content
    variables = {key: found.value for key, found in api.get_space_variables("mallory/page-relay").items()}
    assert find_target(marker, variables) == "mallory/page"
    log = "".join(api.fetch_space_logs("mallory/page-relay", build=True))
    assert "Not carried out" not in log
    assert str(api.token) not in log + "".join(api.fetch_space_logs("mallory/page-relay"))

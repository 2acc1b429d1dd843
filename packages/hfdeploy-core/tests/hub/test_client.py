import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import huggingface_hub
import pytest

from hfdeploy_core.errors import (
    AnswerLost,
    CardInvalid,
    Conflict,
    HubFailed,
    HubRefused,
    HubUnreachable,
    PaymentRequired,
    PermissionRefused,
    RateLimited,
    RepoNotFound,
    SettingInvalid,
    TokenMissing,
    TokenRejected,
)
from hfdeploy_core.events import Event, Waiting, Warned
from hfdeploy_core.hub.client import HubClient
from hfdeploy_core.model import (
    Account,
    CommitInfo,
    FileEntry,
    Gated,
    Hardware,
    HeldSecret,
    ListedSpace,
    Membership,
    RemoteFile,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    Variable,
    Visibility,
    Volume,
)
from hfdeploy_core.source.scan import scan
from hfdeploy_core.testing import FakeClock

TOKEN = "canary-token-without-a-shape"
SPACE = RepoRef(RepoType.SPACE, "alice", "app")
HEAD = "a" * 40


def reply_with(status=200, body=None, headers=None, drop=False) -> dict[str, Any]:
    return {"status": status, "body": body, "headers": headers or {}, "drop": drop}


WHO = {
    "type": "user",
    "name": "alice",
    "orgs": [{"name": "team", "roleInOrg": "write"}],
    "auth": {"accessToken": {"role": "write"}},
}


@pytest.fixture
def client(
    scripted_hub: Any, clock: FakeClock, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> Iterator[HubClient]:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    with HubClient(endpoint=scripted_hub.endpoint, token=TOKEN, on_event=told.append, clock=clock) as hub:
        yield hub


def test_whoami_reads_name_role_and_organizations(client: HubClient, scripted_hub: Any) -> None:
    scripted_hub.on("GET /api/whoami-v2", reply_with(body=WHO))
    assert client.whoami() == Account("alice", "write", (Membership("team", "write"),))
    assert scripted_hub.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_whoami_reads_what_a_fine_grained_token_may_do_and_who_pays(
    client: HubClient, scripted_hub: Any
) -> None:
    scopes = {"global": ["inference"], "scoped": [{"permissions": ["repo.write", "repo.content.read"]}]}
    told = {"role": "fineGrained", "fineGrained": scopes}
    orgs = [{"name": "team", "isEnterprise": True}]
    body = {**WHO, "isPro": True, "orgs": orgs, "auth": {"accessToken": told}}
    scripted_hub.on("GET /api/whoami-v2", reply_with(body=body))
    account = client.whoami()
    assert account.permissions == ("inference", "repo.content.read", "repo.write")
    assert (account.is_pro, account.memberships) == (True, (Membership("team", None, True),))


def test_it_speaks_with_another_token_to_the_same_hub(client: HubClient, scripted_hub: Any) -> None:
    scripted_hub.on("GET /api/whoami-v2", reply_with(body=WHO))
    with client.speak_as("another-canary-token") as other:
        other.whoami()
    client.whoami()
    sent = [request.headers["Authorization"] for request in scripted_hub.requests]
    assert sent == ["Bearer another-canary-token", f"Bearer {TOKEN}"]
    assert client.lend_token() == TOKEN


def test_a_token_that_lasts_an_hour_is_not_lent(monkeypatch: pytest.MonkeyPatch, scripted_hub: Any) -> None:
    monkeypatch.setenv("HF_OIDC_RESOURCE", "spaces/alice/app")
    with HubClient(endpoint=scripted_hub.endpoint, on_event=print) as hub, pytest.raises(SettingInvalid) as e:
        hub.lend_token()
    assert "--proxy-token-env" in e.value.remedy
    assert scripted_hub.requests == []


def test_spaces_are_listed_with_their_tags(client: HubClient, scripted_hub: Any) -> None:
    body = [{"id": "alice/app", "tags": ["docker", "x"]}, {"id": "alice/other"}]
    scripted_hub.on("GET /api/spaces", reply_with(body=body))
    assert client.list_spaces("alice") == (
        ListedSpace(SPACE, ("docker", "x")),
        ListedSpace(replace(SPACE, name="other")),
    )
    assert "author=alice" in scripted_hub.requests[0].path


def test_a_repo_that_is_gone_needs_no_deleting(client: HubClient, scripted_hub: Any) -> None:
    gone = reply_with(404, {"error": "Not found"}, {"X-Error-Code": "RepoNotFound"})
    scripted_hub.on("DELETE /api/repos/delete", reply_with(body="OK"), gone, reply_with(403, {"error": "No"}))
    client.delete_repo(SPACE)
    client.delete_repo(SPACE)
    asked = {"name": "app", "organization": "alice", "type": "space"}
    assert [request.json() for request in scripted_hub.requests] == [asked, asked]
    with pytest.raises(PermissionRefused):
        client.delete_repo(SPACE)


def test_large_files_are_shared_with_another_repo(client: HubClient, scripted_hub: Any) -> None:
    target = replace(SPACE, name="live")
    entry = FileEntry("big.bin", 5000, "1" * 40, "2" * 64)
    held = {"path": "big.bin", "lfs": {"oid": "2" * 64}, "xetHash": "3" * 64}
    scripted_hub.on(f"POST /api/spaces/alice/app/paths-info/{HEAD}", reply_with(body=[held]))
    refused = {"success": [], "failed": [{"sha256": "2" * 64, "error": "another region"}]}
    done = {"success": ["2" * 64], "failed": []}
    route = "POST /api/spaces/alice/app/lfs-files/duplicate"
    scripted_hub.on(route, reply_with(body=done), reply_with(body=refused))
    client.recall(target, HEAD, [entry], lambda _: None, origin=SPACE)
    assert scripted_hub.requests[-1].json() == {
        "target": {"type": "space", "name": "alice/live"},
        "files": [{"sha256": "2" * 64, "filename": "big.bin", "xetHash": "3" * 64}],
    }
    with pytest.raises(HubRefused, match="another region"):
        client.recall(target, HEAD, [entry], lambda _: None, origin=SPACE)


def test_a_token_that_the_hub_does_not_know(client: HubClient, scripted_hub: Any) -> None:
    said = {"error": f"Invalid credentials: {TOKEN}"}
    scripted_hub.on("GET /api/whoami-v2", reply_with(401, said, {"X-Error-Message": said["error"]}))
    with pytest.raises(TokenRejected) as caught:
        client.whoami()
    assert TOKEN not in str(caught.value)


def test_no_token_at_all(monkeypatch: pytest.MonkeyPatch, scripted_hub: Any) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubClient(endpoint=scripted_hub.endpoint, on_event=print) as hub, pytest.raises(TokenMissing):
        hub.whoami()
    assert scripted_hub.requests == []


@pytest.mark.parametrize("token", ["two words-token", "töken-canary", "line\nbreak-token"])
def test_a_token_that_is_none_is_never_sent_nor_shown(token: str, scripted_hub: Any) -> None:
    with (
        HubClient(endpoint=scripted_hub.endpoint, token=token, on_event=print) as hub,
        pytest.raises(TokenRejected) as caught,
    ):
        hub.whoami()
    assert token not in str(caught.value)
    assert scripted_hub.requests == []


def test_a_repo_is_read_with_its_url_head_visibility_and_app(client: HubClient, scripted_hub) -> None:
    body = {"id": "alice/App", "sha": HEAD, "private": True, "sdk": "docker", "host": "http://127.0.0.1:9"}
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(body=body))
    assert client.find_repo(SPACE) == RepoInfo(
        repo=replace(SPACE, name="App"),
        url=f"{scripted_hub.endpoint}/spaces/alice/App",
        head=HEAD,
        visibility=Visibility.PRIVATE,
        sdk="docker",
        app_url="http://127.0.0.1:9",
    )


def test_a_models_url_has_no_prefix_and_no_app(client: HubClient, scripted_hub) -> None:
    scripted_hub.on(
        "GET /api/models/alice/app", reply_with(body={"id": "alice/app", "sha": HEAD, "private": False})
    )
    info = client.find_repo(replace(SPACE, type=RepoType.MODEL))
    assert info is not None
    assert (info.url, info.app_url, info.visibility) == (f"{scripted_hub.endpoint}/alice/app", None, "public")


def test_a_missing_repo_is_none_but_a_gated_one_is_a_refusal(client: HubClient, scripted_hub) -> None:
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(404, {}, {"X-Error-Code": "RepoNotFound"}))
    assert client.find_repo(SPACE) is None
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(403, {}, {"X-Error-Code": "GatedRepo"}))
    with pytest.raises(PermissionRefused):
        client.find_repo(SPACE)


def test_the_tree_is_read_page_by_page_without_folders(client: HubClient, scripted_hub) -> None:
    large = {"oid": "c" * 64, "size": 9, "pointerSize": 3}
    route = f"/api/spaces/alice/app/tree/{HEAD}"
    scripted_hub.on(
        f"GET {route}",
        reply_with(
            body=[
                {"type": "directory", "oid": "d" * 40, "path": "a"},
                {"type": "file", "oid": "e" * 40, "size": 1, "path": "a/b"},
            ],
            headers={"Link": f'<{scripted_hub.endpoint}{route}?cursor=2>; rel="next"'},
        ),
        reply_with(body=[{"type": "file", "oid": "f" * 40, "size": 9, "path": "big", "lfs": large}]),
    )
    assert client.list_files(SPACE, HEAD) == (
        RemoteFile("a/b", 1, "e" * 40),
        RemoteFile("big", 9, "f" * 40, "c" * 64),
    )


def test_creating_says_visibility_and_sdk_and_takes_what_exists(client: HubClient, scripted_hub) -> None:
    url = f"{scripted_hub.endpoint}/spaces/alice/app"
    scripted_hub.on(
        "POST /api/repos/create", reply_with(409, {"error": "You already created this", "url": url})
    )
    client.create_repo(SPACE, Visibility.PROTECTED, Sdk.DOCKER)
    sent = scripted_hub.requests[0].json()
    assert (sent["visibility"], sent["sdk"], sent["type"]) == ("protected", "docker", "space")


def test_creating_what_needs_a_paid_plan(client: HubClient, scripted_hub) -> None:
    scripted_hub.on("POST /api/repos/create", reply_with(402, {"error": "Subscribe to PRO"}))
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(404, {}, {"X-Error-Code": "RepoNotFound"}))
    with pytest.raises(PaymentRequired, match="Subscribe to PRO"):
        client.create_repo(SPACE, None, Sdk.DOCKER)


def test_visibility_is_set_and_the_right_to_write_asked_for(client: HubClient, scripted_hub) -> None:
    scripted_hub.on("PUT /api/spaces/alice/app/settings", reply_with(body={}))
    client.set_visibility(SPACE, Visibility.PRIVATE)
    assert scripted_hub.requests[0].json() == {"visibility": "private"}
    scripted_hub.on("GET /api/spaces/alice/app/auth-check/write", reply_with(403, {"error": "read only"}))
    with pytest.raises(PermissionRefused, match="read only"):
        client.check_write(SPACE)


def test_a_card_is_judged_by_the_hub(client: HubClient, scripted_hub) -> None:
    judged = {"warnings": [{"message": "no title"}], "errors": []}
    scripted_hub.on("POST /api/validate-yaml", reply_with(body=judged))
    assert client.check_card(RepoType.SPACE, "---\n---\n") == ("no title",)
    scripted_hub.on("POST /api/validate-yaml", reply_with(400, {"errors": [{"message": '"sdk" is wrong.'}]}))
    with pytest.raises(CardInvalid, match='"sdk" is wrong'):
        client.check_card(RepoType.SPACE, "---\n---\n")


def preupload(*paths: str, ignored: str = "") -> dict[str, Any]:
    files = [{"path": path, "uploadMode": "regular", "shouldIgnore": path == ignored} for path in paths]
    return reply_with(body={"files": files})


COMMIT = "POST /api/spaces/alice/app/commit/main"


def made(scripted_hub: Any) -> dict[str, Any]:
    url = f"{scripted_hub.endpoint}/spaces/alice/app/commit/{'b' * 40}"
    return reply_with(body={"success": True, "commitOid": "b" * 40, "commitUrl": url})


def commit(client: HubClient, root, deletions=()) -> str:
    staged = client.stage(SPACE, root, scan(root).entries, lambda done: None)
    return client.commit(SPACE, staged, deletions, parent=HEAD, title="t", description="d")


def test_files_are_staged_once_and_committed_in_one_request(client: HubClient, scripted_hub, write) -> None:
    root = write({"a b.txt": "x", "dropped.log": "y", "empty": ""})
    scripted_hub.on(
        "POST /api/spaces/alice/app/preupload/main",
        preupload("a b.txt", "dropped.log", "empty", ignored="dropped.log"),
    )
    scripted_hub.on(COMMIT, made(scripted_hub))
    assert commit(client, root, ["old.txt"]) == "b" * 40
    assert scripted_hub.paths() == ["POST /api/spaces/alice/app/preupload/main", COMMIT]
    header, *lines = scripted_hub.requests[-1].body.splitlines()
    assert b'"parentCommit": "' + HEAD.encode() in header
    assert [json.loads(line) for line in lines] == [
        {"key": "deletedFile", "value": {"path": "old.txt"}},
        {"key": "file", "value": {"path": "a b.txt", "encoding": "base64", "content": "eA=="}},
        {"key": "file", "value": {"path": "empty", "encoding": "base64", "content": ""}},
    ]


def test_what_is_staged_leaves_out_what_is_ignored_and_knows_its_hash(
    client: HubClient, scripted_hub, write
) -> None:
    root = write({"a": "x", "b.log": "y"})
    scripted_hub.on("POST /api/spaces/alice/app/preupload/main", preupload("a", "b.log", ignored="b.log"))
    staged = client.stage(SPACE, root, scan(root).entries, lambda done: None)
    (line,) = staged.uploads
    assert isinstance(line, bytes)
    assert json.loads(line)["value"]["path"] == "a"
    assert staged.ignored == ("b.log",)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (reply_with(412, {"error": "The branch was updated"}), Conflict),
        (reply_with(403, {"error": "no"}), PermissionRefused),
        (reply_with(422, {"error": "bad path"}), HubRefused),
        (reply_with(500), AnswerLost),
        (reply_with(drop=True), AnswerLost),
        (reply_with(429, headers={"Retry-After": "9999"}), RateLimited),
    ],
)
def test_a_commit_that_fails_tells_how(
    client: HubClient, scripted_hub, write, reply: dict[str, Any], kind
) -> None:
    scripted_hub.on("POST /api/spaces/alice/app/preupload/main", preupload("a"))
    scripted_hub.on(COMMIT, reply)
    with pytest.raises(kind):
        commit(client, write({"a": "x"}))
    assert scripted_hub.paths().count(COMMIT) == 1


def test_the_history_is_read_one_page_deep(client: HubClient, scripted_hub) -> None:
    route = "/api/spaces/alice/app/commits/main"
    items = [
        {"id": str(number), "title": "t", "message": "m", "date": "", "authors": []} for number in range(50)
    ]
    link = {"Link": f'<{scripted_hub.endpoint}{route}?p=1>; rel="next"'}
    scripted_hub.on(f"GET {route}", reply_with(body=items, headers=link))
    assert client.recent_commits(SPACE)[0] == CommitInfo("0", "t", "m")
    assert len(scripted_hub.requests) == 1


def test_waits_are_told_and_requests_do_not_multiply(client: HubClient, scripted_hub, clock, told) -> None:
    scripted_hub.on(f"GET /api/spaces/alice/app/tree/{HEAD}", reply_with(503))
    with pytest.raises(Exception, match="keeps answering 503"):
        client.list_files(SPACE, HEAD)
    assert len(scripted_hub.requests) == 6
    assert [event.seconds for event in told if isinstance(event, Waiting)] == clock.naps
    assert len(clock.naps) == 5


def test_the_hubs_own_warnings_become_events_once(client: HubClient, scripted_hub, told) -> None:
    scripted_hub.on(
        "GET /api/whoami-v2", reply_with(body=WHO, headers={"X-HF-Warning": f"topic; see {TOKEN}"})
    )
    client.whoami()
    client.whoami()
    assert told == [Warned("see [redacted]")]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "localhost:8000", "http://"])
def test_an_endpoint_that_is_not_there(endpoint: str, clock: FakeClock, told: list[Event]) -> None:
    with (
        HubClient(endpoint=endpoint, token=TOKEN, on_event=told.append, clock=clock) as hub,
        pytest.raises(HubUnreachable, match=endpoint),
    ):
        hub.whoami()


LATEST = "GET /api/spaces/alice/app/commits/main"


def test_the_head_is_read_with_its_message(client: HubClient, scripted_hub) -> None:
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(body={"id": "alice/app", "sha": HEAD}))
    scripted_hub.on(LATEST, reply_with(body=[{"id": HEAD, "title": "t", "message": "m"}]))
    head = client.find_head(SPACE)
    assert head is not None
    assert (head.info.head, head.commit) == (HEAD, CommitInfo(HEAD, "t", "m"))
    assert len(scripted_hub.requests) == 2


@pytest.mark.parametrize("body", [[], [{"id": "b" * 40, "title": "t", "message": "m"}]])
def test_a_head_that_moves_meanwhile_tells_nothing(client: HubClient, scripted_hub, body) -> None:
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(body={"id": "alice/app", "sha": HEAD}))
    scripted_hub.on(LATEST, reply_with(body=body))
    head = client.find_head(SPACE)
    assert head is not None
    assert head.commit is None


def test_no_repo_has_no_head(client: HubClient, scripted_hub) -> None:
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(404, {}, {"X-Error-Code": "RepoNotFound"}))
    assert client.find_head(SPACE) is None


def test_a_repo_that_moved_is_followed_with_the_token(client: HubClient, scripted_hub) -> None:
    scripted_hub.on(
        "GET /api/spaces/alice/app", reply_with(307, headers={"Location": "/api/spaces/alice/new"})
    )
    scripted_hub.on("GET /api/spaces/alice/new", reply_with(body={"id": "alice/new", "sha": HEAD}))
    info = client.find_repo(SPACE)
    assert info is not None
    assert info.repo.name == "new"
    assert scripted_hub.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_redirect_to_another_host_is_not_followed(client: HubClient, scripted_hub) -> None:
    elsewhere = {"Location": "http://127.0.0.2:9/api"}
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(307, headers=elsewhere))
    with pytest.raises(HubFailed):
        client.find_repo(SPACE)


def test_offline_nothing_is_asked(client: HubClient, scripted_hub, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        client.whoami()
    assert scripted_hub.requests == []


@pytest.mark.parametrize("body", [b"<html>Log in to this network", b"[]", b"{}", b'"ok"'])
def test_an_answer_that_is_not_the_hubs(client: HubClient, scripted_hub, body: bytes) -> None:
    scripted_hub.on("GET /api/whoami-v2", reply_with(body=body))
    with pytest.raises(HubFailed, match="not the Hub's"):
        client.whoami()
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(body=body))
    with pytest.raises(HubFailed, match="not the Hub's"):
        client.find_repo(SPACE)


def test_an_unknown_namespace_is_told(client: HubClient, scripted_hub) -> None:
    scripted_hub.on("POST /api/repos/create", reply_with(404, {"error": "no such namespace"}))
    with pytest.raises(RepoNotFound):
        client.create_repo(SPACE, None, Sdk.DOCKER)


def test_what_a_space_runs_on_is_read_with_the_repo(client: HubClient, scripted_hub: Any) -> None:
    runtime = {
        "stage": "RUNNING",
        "hardware": {"current": "cpu-basic", "requested": "t4-small"},
        "gcTimeout": 3600,
        "volumes": [
            {"type": "bucket", "source": "a/b", "mountPath": "/data", "path": "x"},
            {"type": "novelty", "source": "a/c", "mountPath": "/c", "revision": "v1"},
        ],
    }
    facts = {"id": "alice/app", "sha": HEAD, "private": True, "gated": "manual", "runtime": runtime}
    scripted_hub.on("GET /api/spaces/alice/app", reply_with(body=facts))
    info = client.find_repo(SPACE)
    assert info is not None
    assert (info.gated, info.hardware, info.sleep_seconds) == (Gated.MANUAL, "t4-small", 3600)
    assert info.volumes == (
        Volume("bucket", "a/b", "/data", None, False, "x"),
        Volume("novelty", "a/c", "/c", "v1"),
    )


@pytest.mark.parametrize(
    ("method", "arguments", "route", "content"),
    [
        ("set_gated", (Gated.NONE,), "PUT settings", {"gated": False}),
        ("set_gated", (Gated.AUTO,), "PUT settings", {"gated": "auto"}),
        ("set_hardware", ("t4-small",), "POST hardware", {"flavor": "t4-small"}),
        ("set_sleep", (-1,), "POST sleeptime", {"seconds": -1}),
        ("set_variable", ("A", "1"), "POST variables", {"key": "A", "value": "1"}),
        ("remove_variable", ("A",), "DELETE variables", {"key": "A"}),
        ("remove_secret", ("A",), "DELETE secrets", {"key": "A"}),
        ("set_secret", ("A", "1"), "POST secrets", {"key": "A", "value": "1"}),
        (
            "set_volumes",
            ((Volume("bucket", "a/b", "/d", None, False, "x"),),),
            "PUT volumes",
            {
                "volumes": [
                    {"type": "bucket", "source": "a/b", "mountPath": "/d", "path": "x", "readOnly": False}
                ]
            },
        ),
    ],
)
def test_settings_are_sent_in_the_hubs_words(
    client: HubClient, scripted_hub: Any, method: str, arguments: tuple[Any, ...], route: str, content: Any
) -> None:
    verb, _, name = route.partition(" ")
    scripted_hub.on(f"{verb} /api/spaces/alice/app/{name}", reply_with(body={}))
    getattr(client, method)(SPACE, *arguments)
    assert scripted_hub.requests[-1].json() == content


def test_no_volumes_at_all_is_a_request_of_its_own(client: HubClient, scripted_hub: Any) -> None:
    scripted_hub.on("DELETE /api/spaces/alice/app/volumes", reply_with(body={}))
    client.set_volumes(SPACE, ())
    assert scripted_hub.paths() == ["DELETE /api/spaces/alice/app/volumes"]


def test_prices_are_told_by_the_hour_whatever_the_hub_counts_in(client: HubClient, scripted_hub: Any) -> None:
    items = [
        {"name": "a", "unitLabel": "minute", "unitCostMicroUSD": 500},
        {"name": "b", "unitLabel": "hour", "unitCostMicroUSD": 400_000},
        {"name": "c", "unitLabel": "fortnight", "unitCostMicroUSD": 1},
        {"name": "d"},
    ]
    scripted_hub.on("GET /api/spaces/hardware", reply_with(body=items))
    assert client.list_hardware() == (
        Hardware("a", 30_000),
        Hardware("b", 400_000),
        Hardware("c"),
        Hardware("d"),
    )


def test_secrets_are_told_without_values(client: HubClient, scripted_hub: Any) -> None:
    scripted_hub.on(
        "GET /api/spaces/alice/app/secrets", reply_with(body={"A": {"updatedAt": "then"}, "B": {}})
    )
    scripted_hub.on("GET /api/spaces/alice/app/variables", reply_with(body={"C": {"value": "1"}}))
    assert client.list_secrets(SPACE) == (HeldSecret("A", "then"), HeldSecret("B"))
    assert client.list_variables(SPACE) == (Variable("C", "1"),)

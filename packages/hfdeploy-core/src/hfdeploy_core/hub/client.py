"""The adapter: the Hub's API as the port wants it. Import it late: it reads the environment's HF_* names."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, cast
from urllib.parse import quote, urlencode

from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import CardInvalid, SettingInvalid, TokenMissing, TokenRejected
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub import contents, spaces
from hfdeploy_core.hub.caller import Caller, read_answer, read_json
from hfdeploy_core.hub.credentials import find_endpoint, find_token, is_borrowed
from hfdeploy_core.hub.failures import map_answer
from hfdeploy_core.hub.port import Connection, Staged
from hfdeploy_core.hub.retry import Budget, read_ahead_seconds, read_limit
from hfdeploy_core.model import (
    Account,
    CommitInfo,
    FileEntry,
    Gated,
    Hardware,
    Head,
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
    VolumeType,
)
from hfdeploy_core.redact import redact, remember_secret
from hfdeploy_core.space import AppReply, LogKind, LogLine, Runtime

_COMMITS_A_PAGE = 50
_SPACES_A_PAGE = 1000
_URL_PREFIX = {RepoType.MODEL: "", RepoType.DATASET: "datasets/", RepoType.SPACE: "spaces/"}
# All that is read of a repo that has no app: the whole answer would name every file.
_FACTS = {"expand": ["sha", "private", "gated"]}
_UNITS_AN_HOUR = {"second": 3600, "minute": 60, "hour": 1}
_UNKNOWN_TOKEN = "Invalid credentials in Authorization header"


class HubClient:
    """The Hub at `endpoint` with `token`; left out, both are what they are to the `hf` command.

    With a `resource`, and without a token, this CI job's identity is exchanged for a token of that repo. A
    context manager: on leaving it, connections are closed.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        resource: str | None = None,
        on_event: OnEvent,
        budget: Budget | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._given_token = token
        self._resource = resource
        self._on_event = on_event
        self._caller = Caller(endpoint or find_endpoint(), on_event=on_event, budget=budget, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._caller.close()

    def whoami(self) -> Account:
        answer = self._authorized().ask_json("GET", "/api/whoami-v2", "log in", names={"name"})
        token = answer.get("auth", {}).get("accessToken", {})
        return Account(
            answer["name"],
            token.get("role"),
            tuple(
                Membership(org["name"], org.get("roleInOrg"), bool(org.get("isEnterprise")))
                for org in answer.get("orgs", ())
            ),
            _read_permissions(token.get("fineGrained") or {}),
            bool(answer.get("isPro")),
        )

    def check_connection(self) -> Connection:
        started_seconds = self._caller.patience.clock.seconds()
        refused = frozenset({401, 403, 404})
        reply = self._caller.ask("GET", "/api/whoami-v2", "reach the Hub", accept=refused)
        now, elapsed_seconds = self._caller.patience.clock.now(), self._caller.patience.clock.seconds()
        return Connection(
            self._caller.endpoint,
            elapsed_seconds - started_seconds,
            read_ahead_seconds(reply.headers, now),
            *read_limit(reply.headers),
        )

    def lend_token(self) -> str:
        if self._given_token is None and (self._resource or is_borrowed()):
            raise SettingInvalid(
                "The token of this job's identity lasts an hour, so that no Space can keep it.",
                "Name a variable that holds another one by --proxy-token-env.",
            )
        return self._authorized().token

    def speak_as(self, token: str) -> "HubClient":
        caller = self._caller
        return HubClient(
            endpoint=caller.endpoint,
            token=token,
            on_event=self._on_event,
            budget=caller.patience.budget,
            clock=caller.patience.clock,
        )

    def find_repo(self, repo: RepoRef) -> RepoInfo | None:
        query = None if repo.type is RepoType.SPACE else _FACTS
        doing = f"read {repo}"
        hidden = frozenset({401, 403, 404})
        reply = self._authorized().ask("GET", _api(repo), doing, query=query, accept=hidden)
        if reply.status in hidden:
            answer = read_answer(reply)
            if answer.error_code == "RepoNotFound" or (
                reply.status == 401 and answer.words not in (None, _UNKNOWN_TOKEN)
            ):
                return None
            raise map_answer(answer, doing)
        info = read_json(reply, doing, {"id", "sha"})
        namespace, _, name = info["id"].rpartition("/")
        return RepoInfo(
            repo=RepoRef(repo.type, namespace or repo.namespace, name),
            url=f"{self._caller.endpoint}/{_URL_PREFIX[repo.type]}{info['id']}",
            head=info["sha"],
            visibility=_read_visibility(info),
            sdk=info.get("sdk"),
            app_url=info.get("host"),
            gated=Gated(info.get("gated") or Gated.NONE),
            hub_id=info.get("_id", ""),
            **_read_runtime(info.get("runtime") or {}),
        )

    def list_spaces(self, namespace: str) -> tuple[ListedSpace, ...]:
        query = urlencode({"author": namespace, "expand": "tags", "limit": _SPACES_A_PAGE})
        listed = self._authorized().ask_pages(f"/api/spaces?{query}", f"list the Spaces of {namespace}")
        return tuple(
            ListedSpace(RepoRef(RepoType.SPACE, *item["id"].split("/")), tuple(item.get("tags") or ()))
            for item in listed
        )

    def find_head(self, repo: RepoRef) -> Head | None:
        self._authorized()
        with ThreadPoolExecutor(1) as pool:
            latest = pool.submit(self._read_latest, repo)
            info = self.find_repo(repo)
            if info is None:
                return None
            commit = latest.result()
        # Somebody may have committed between the two questions.
        return Head(info, commit if commit and commit.id == info.head else None)

    def list_files(self, repo: RepoRef, revision: str) -> tuple[RemoteFile, ...]:
        path = f"{_api(repo)}/tree/{revision}?recursive=true"
        return tuple(
            RemoteFile(item["path"], item["size"], item["oid"], (item.get("lfs") or {}).get("oid"))
            for item in self._authorized().ask_pages(path, f"list the files of {repo}")
            if item["type"] == "file"
        )

    def read_file(self, repo: RepoRef, revision: str, path: str) -> bytes:
        place = f"{self._resolve(repo, revision)}/{quote(path)}"
        return self._authorized().ask("GET", place, f"read {path} of {repo}").body

    def check_write(self, repo: RepoRef) -> None:
        self._authorized().ask("GET", f"{_api(repo)}/auth-check/write", f"write to {repo}")

    def check_card(self, repo_type: RepoType, text: str) -> tuple[str, ...]:
        doing = "have README.md checked"
        reply = self._authorized().ask(
            "POST",
            "/api/validate-yaml",
            doing,
            content={"content": text, "repoType": repo_type},
            accept=frozenset({400}),
        )
        findings = read_json(reply, doing)
        if reply.status == 400:
            reasons = "; ".join(finding.get("message", "") for finding in findings.get("errors", ()))
            raise CardInvalid(f"The Hub refuses the front matter of README.md: {reasons.rstrip('.')}.")
        return tuple(redact(finding.get("message", "")) for finding in findings.get("warnings", ()))

    def create_repo(
        self,
        repo: RepoRef,
        visibility: Visibility | None,
        sdk: Sdk | None,
        variables: Sequence[Variable] = (),
    ) -> None:
        content: dict[str, Any] = {"name": repo.name, "organization": repo.namespace, "type": repo.type}
        content |= {"visibility": visibility} if visibility is not None else {}
        content |= {"sdk": sdk} if sdk is not None else {}
        content |= {"variables": [{"key": v.name, "value": v.value} for v in variables]} if variables else {}
        doing = f"create {repo}"
        refused = frozenset({401, 402, 403, 409})
        reply = self._authorized().ask("POST", "/api/repos/create", doing, content=content, accept=refused)
        if reply.status in refused and not (self._exists(reply.status, reply.body) or self.find_repo(repo)):
            raise map_answer(read_answer(reply), doing)

    def delete_repo(self, repo: RepoRef) -> None:
        content = {"name": repo.name, "organization": repo.namespace, "type": repo.type}
        doing = f"delete {repo}"
        reply = self._authorized().ask(
            "DELETE", "/api/repos/delete", doing, content=content, accept=frozenset({404})
        )
        answer = read_answer(reply)
        if reply.status == 404 and answer.error_code != "RepoNotFound":
            raise map_answer(answer, doing)

    def set_visibility(self, repo: RepoRef, visibility: Visibility) -> None:
        doing = f"make {repo} {visibility}"
        self._change("PUT", f"{_api(repo)}/settings", doing, {"visibility": visibility})

    def set_gated(self, repo: RepoRef, gated: Gated) -> None:
        content = {"gated": False if gated is Gated.NONE else gated}
        self._change("PUT", f"{_api(repo)}/settings", f"change who may read {repo}", content)

    def set_hardware(self, repo: RepoRef, hardware: str) -> None:
        doing = f"run {repo} on {hardware}"
        self._change("POST", f"{_api(repo)}/hardware", doing, {"flavor": hardware})

    def set_sleep(self, repo: RepoRef, sleep_seconds: int) -> None:
        doing = f"set when {repo} sleeps"
        self._change("POST", f"{_api(repo)}/sleeptime", doing, {"seconds": sleep_seconds})

    def set_volumes(self, repo: RepoRef, volumes: Sequence[Volume]) -> None:
        content = {"volumes": [_write_volume(volume) for volume in volumes]} if volumes else None
        method = "PUT" if volumes else "DELETE"
        self._change(method, f"{_api(repo)}/volumes", f"change what {repo} mounts", content)

    def set_variable(self, repo: RepoRef, name: str, value: str) -> None:
        doing = f"set the variable {name} of {repo}"
        self._change("POST", f"{_api(repo)}/variables", doing, {"key": name, "value": value})

    def set_secret(self, repo: RepoRef, name: str, value: str) -> None:
        doing = f"set the secret {name} of {repo}"
        self._change("POST", f"{_api(repo)}/secrets", doing, {"key": name, "value": value})

    def remove_variable(self, repo: RepoRef, name: str) -> None:
        doing = f"remove the variable {name} of {repo}"
        self._change("DELETE", f"{_api(repo)}/variables", doing, {"key": name})

    def remove_secret(self, repo: RepoRef, name: str) -> None:
        doing = f"remove the secret {name} of {repo}"
        self._change("DELETE", f"{_api(repo)}/secrets", doing, {"key": name})

    def list_variables(self, repo: RepoRef) -> tuple[Variable, ...]:
        held = self._authorized().ask_json("GET", f"{_api(repo)}/variables", f"read the variables of {repo}")
        return tuple(Variable(name, facts.get("value", "")) for name, facts in held.items())

    def list_secrets(self, repo: RepoRef) -> tuple[HeldSecret, ...]:
        held = self._authorized().ask_json("GET", f"{_api(repo)}/secrets", f"read the secrets of {repo}")
        return tuple(HeldSecret(name, facts.get("updatedAt")) for name, facts in held.items())

    def list_hardware(self) -> tuple[Hardware, ...]:
        items = self._authorized().ask_json("GET", "/api/spaces/hardware", "read what Spaces can run on")
        return tuple(Hardware(item["name"], _read_price(item)) for item in items)

    def stage(
        self, repo: RepoRef, root: Path, entries: Sequence[FileEntry], on_bytes: Callable[[int], None]
    ) -> Staged:
        caller = self._authorized()
        modes = contents.ask_modes(caller, f"{_api(repo)}/preupload/main", f"upload to {repo}", root, entries)
        kept = [entry for entry in entries if not modes[entry.path].is_ignored]
        large = [(entry, entry.locate(root)) for entry in kept if modes[entry.path].is_large]
        hashes: dict[str, str] = {}
        if large:
            # Imported here: huggingface_hub takes most of a second.
            from hfdeploy_core.hub.large import upload_large

            hashes = upload_large(
                repo,
                large,
                endpoint=caller.endpoint,
                token=caller.token,
                patience=caller.patience,
                on_bytes=on_bytes,
                on_event=self._on_event,
            )
        lines = tuple(
            modes[entry.path].line
            or contents.write_line(contents.Upload(entry, entry.locate(root), hashes.get(entry.path)))
            for entry in kept
        )
        return Staged(lines, tuple(entry.path for entry in entries if modes[entry.path].is_ignored))

    def recall(
        self,
        repo: RepoRef,
        revision: str,
        entries: Sequence[FileEntry],
        on_bytes: Callable[[int], None],
        *,
        origin: RepoRef | None = None,
        given: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Staged:
        if origin is not None:
            large = [entry.path for entry in entries if entry.sha256 is not None]
            contents.share_files(self._authorized(), _api(origin), revision, large, repo)
        path = self._resolve(origin or repo, revision)
        lines, bytes_done = [], 0
        doing = f"read files of {repo}"
        for upload in contents.recall_files(self._authorized(), path, doing, entries, given):
            lines.append(contents.write_line(upload))
            bytes_done += upload.entry.size_bytes
            on_bytes(bytes_done)
        return Staged(tuple(lines))

    def commit(
        self,
        repo: RepoRef,
        staged: Staged,
        deletions: Sequence[str],
        *,
        parent: str,
        title: str,
        description: str,
    ) -> str:
        header = {"summary": title, "description": description, "parentCommit": parent}
        lines = [json.dumps({"key": "header", "value": header}).encode()]
        lines += [json.dumps({"key": "deletedFile", "value": {"path": path}}).encode() for path in deletions]
        lines += cast("tuple[bytes, ...]", staged.uploads)
        made = self._authorized().ask_json(
            "POST", f"{_api(repo)}/commit/main", f"commit to {repo}", lines=b"\n".join(lines) + b"\n"
        )
        return str(made["commitOid"])

    def recent_commits(self, repo: RepoRef, revision: str = "main") -> tuple[CommitInfo, ...]:
        pages = self._authorized().ask_pages(
            f"{_api(repo)}/commits/{quote(revision, safe='')}?limit={_COMMITS_A_PAGE}",
            f"read the history of {repo}",
        )
        return tuple(
            CommitInfo(item["id"], item["title"], item["message"]) for item in islice(pages, _COMMITS_A_PAGE)
        )

    def find_runtime(self, repo: RepoRef) -> Runtime:
        return spaces.read_runtime(self._authorized(), repo)

    def open_log(
        self, repo: RepoRef, kind: LogKind, *, tail: int | None = None, quiet_seconds: float
    ) -> AbstractContextManager[Iterator[LogLine]]:
        return spaces.open_log(self._authorized(), repo, kind, tail=tail, quiet_seconds=quiet_seconds)

    def restart_space(self, repo: RepoRef) -> Runtime:
        return spaces.act(self._authorized(), repo, "restart")

    def pause_space(self, repo: RepoRef) -> Runtime:
        return spaces.act(self._authorized(), repo, "pause")

    def visit_app(
        self, url: str, path: str, *, quiet_seconds: float, is_websocket: bool = False, is_open: bool = False
    ) -> AppReply | None:
        token = "" if is_open else self._authorized().token
        return spaces.visit(url, path, token, quiet_seconds=quiet_seconds, is_websocket=is_websocket)

    def _resolve(self, repo: RepoRef, revision: str) -> str:
        return f"/{_URL_PREFIX[repo.type]}{repo.id}/resolve/{revision}"

    def _change(self, method: str, path: str, doing: str, content: Any) -> None:
        self._authorized().ask(method, path, doing, content=content)

    def _read_latest(self, repo: RepoRef) -> CommitInfo | None:
        """The head, or None where there is no such repo: that is for the other question to tell."""
        path, doing = f"{_api(repo)}/commits/main?limit=1", f"read the history of {repo}"
        reply = self._authorized().ask("GET", path, doing, accept=frozenset({401, 403, 404, 409}))
        items = read_json(reply, doing) if reply.status < 400 else ()
        return next((CommitInfo(item["id"], item["title"], item["message"]) for item in items), None)

    def _exists(self, status: int, body: bytes) -> bool:
        return status == 409 and b'"url"' in body

    def _authorized(self) -> Caller:
        """The caller with its token, read once: one that is replaced meanwhile would deploy as two people."""
        if self._caller.token:
            return self._caller
        token = self._given_token or find_token(self._resource)
        if not token:
            raise TokenMissing("No token for the Hub was found.")
        remember_secret(token)
        if not token.isascii() or not token.isprintable() or " " in token:
            raise TokenRejected("The token holds characters that no token has.")
        self._caller.token = token
        return self._caller


def _api(repo: RepoRef) -> str:
    return f"/api/{repo.type}s/{repo.id}"


def _read_permissions(scopes: dict[str, Any]) -> tuple[str, ...]:
    """All that a fine-grained token may do, wherever that is."""
    held = [*scopes.get("global", ())]
    held += [permission for scope in scopes.get("scoped", ()) for permission in scope.get("permissions", ())]
    return tuple(sorted(set(held)))


def _read_visibility(info: dict[str, Any]) -> Visibility:
    told = info.get("visibility")
    if told in set(Visibility):
        return Visibility(told)
    return Visibility.PRIVATE if info.get("private") else Visibility.PUBLIC


def _read_runtime(runtime: dict[str, Any]) -> dict[str, Any]:
    """What a Space runs on, when it sleeps and what it mounts (hub-api 8.1)."""
    hardware = runtime.get("hardware") or {}
    return {
        "hardware": hardware.get("requested") or hardware.get("current"),
        "sleep_seconds": runtime.get("gcTimeout"),
        "volumes": tuple(_read_volume(item) for item in runtime.get("volumes") or ()),
    }


def _read_volume(item: dict[str, Any]) -> Volume:
    kind = str(item["type"])
    is_read_only = kind != VolumeType.BUCKET or bool(item.get("readOnly"))
    path, revision = item.get("path") or None, item.get("revision") or None
    return Volume(kind, item["source"], item["mountPath"], revision, is_read_only, path)


def _write_volume(volume: Volume) -> dict[str, Any]:
    content = {"type": volume.type, "source": volume.source, "mountPath": volume.mount_path}
    optional = {"revision": volume.revision, "path": volume.path}
    kept = {name: value for name, value in optional.items() if value is not None}
    return {**content, **kept, "readOnly": volume.read_only}


def _read_price(item: dict[str, Any]) -> int | None:
    """Millionths of a dollar an hour, whatever unit the Hub counts in."""
    units, cost = _UNITS_AN_HOUR.get(item.get("unitLabel", "")), item.get("unitCostMicroUSD")
    return None if units is None or cost is None else round(cost * units)

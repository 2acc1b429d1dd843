"""A repo as the API describes it: ``GET /api/models/{id}`` and its siblings."""

from collections.abc import Sequence
from typing import Any

from hfdeploy_localhub.api.context import Hub
from hfdeploy_localhub.cards import Card, list_tags, read_card
from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.model import Repo, format_time
from hfdeploy_localhub.store.git import Entry, GitRepository

_DEFAULT_SLEEP_SECONDS = 172_800
_COMMON = frozenset(
    [
        "author",
        "cardData",
        "createdAt",
        "disabled",
        "downloads",
        "gated",
        "lastModified",
        "likes",
        "private",
        "resourceGroup",
        "sha",
        "siblings",
        "tags",
        "trendingScore",
        "usedStorage",
        "visibility",
    ]
)
_EXPANDABLE = {
    "model": _COMMON
    | frozenset(
        [
            "baseModels",
            "childrenModelCount",
            "config",
            "downloadsAllTime",
            "evalResults",
            "gguf",
            "inference",
            "inferenceProviderMapping",
            "library_name",
            "mask_token",
            "model-index",
            "pipeline_tag",
            "safetensors",
            "spaces",
            "transformersInfo",
            "widgetData",
        ]
    ),
    "dataset": _COMMON
    | frozenset(["citation", "description", "downloadsAllTime", "mainSize", "paperswithcode_id"]),
    "space": _COMMON | frozenset(["datasets", "models", "region", "runtime", "sdk", "subdomain", "host"]),
    "kernel": _COMMON,
}


def describe_repo(
    hub: Hub,
    repo: Repo,
    *,
    revision: str = "main",
    blobs: bool = False,
    siblings: bool = True,
    expand: Sequence[str] = (),
) -> dict[str, Any]:
    """The repo at ``revision``. Raises RevisionNotFound, or BadRequest for an unknown ``expand``."""
    allowed = _EXPANDABLE[repo.type]
    for key in expand:
        if key not in allowed:
            options = "|".join(f'"{option}"' for option in sorted(allowed))
            raise BadRequest(f"Invalid option: expected one of {options} at expand, not {key!r}")
    git = hub.store.git(repo)
    commit = git.resolve(revision)
    card = card_at(git, commit)
    facts: dict[str, Any] = {
        "_id": repo.public_id,
        "id": repo.full_name,
        "author": repo.namespace,
        "sha": commit,
        "lastModified": format_time(git.show(commit).date),
        "createdAt": format_time(repo.created_at),
        "private": repo.visibility != "public",
        "visibility": repo.visibility,
        "gated": repo.gated or False,
        "disabled": False,
        "downloads": 0,
        "likes": hub.store.likes.count(repo),
        "tags": list_tags(card),
        "cardData": card.data,
    }
    facts |= _describe_kind(hub, repo, card)
    if "usedStorage" in expand or (blobs and not expand):
        facts["usedStorage"] = hub.store.repos.large_file_bytes(repo)
    if "siblings" in expand or (siblings and not expand):
        files = (entry for entry in git.walk(commit, recursive=True) if entry.kind == "file")
        facts["siblings"] = [_describe_sibling(entry, blobs) for entry in files]
    if expand:
        return {key: value for key, value in facts.items() if key in ("_id", "id") or key in expand}
    return facts


def describe_runtime(hub: Hub, space: Repo) -> dict[str, Any]:
    """A Space's runtime. ``sha`` is the commit that answers now, not the newest one."""
    row = hub.store.space_rows.get(space)
    runtime = hub.spaces.runtime(space.full_name)
    static = runtime.sdk == "static"
    sleep_seconds = row.sleep_time_seconds if row.sleep_time_seconds is not None else _DEFAULT_SLEEP_SECONDS
    port = hub.spaces.host(space.full_name).rpartition(":")[2]
    described: dict[str, Any] = {
        "stage": runtime.stage,
        "hardware": {"current": runtime.hardware_current, "requested": None if static else row.hardware},
        "storage": None,
        "gcTimeout": None if static else sleep_seconds,
        "replicas": {"current": runtime.replicas_current, "requested": runtime.replicas_requested},
        "devMode": row.dev_mode,
        "domains": [{"domain": f"{subdomain(space)}.localhost:{port}", "stage": "READY"}],
        "sha": runtime.sha,
    }
    if row.volumes:
        described["volumes"] = row.volumes
    if runtime.error_message is not None:
        described["errorMessage"] = runtime.error_message
    return described


def card_at(git: GitRepository, commit: str) -> Card:
    """The card of a commit's README.md; an empty one where there is none."""
    entry = git.find(commit, "README.md")
    if entry is None or entry.kind != "file" or entry.large is not None:
        return Card({}, present=False)
    return read_card(git.read(entry).decode(errors="replace"))


def _describe_kind(hub: Hub, repo: Repo, card: Card) -> dict[str, Any]:
    """What only one type of repo has."""
    if repo.type == "model":
        keys = ("library_name", "pipeline_tag", "model-index")
        return {"modelId": repo.full_name} | {key: card.data[key] for key in keys if key in card.data}
    if repo.type != "space":
        return {}
    return {
        "sdk": card.data.get("sdk"),
        "host": hub.spaces.host(repo.full_name),
        "subdomain": subdomain(repo),
        "models": card.data.get("models", []),
        "datasets": card.data.get("datasets", []),
        "runtime": describe_runtime(hub, repo),
    }


def subdomain(repo: Repo) -> str:
    """The first label of a Space's host name."""
    return "".join(c if c.isalnum() else "-" for c in repo.full_name.lower())


def _describe_sibling(entry: Entry, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": entry.path}
    sibling: dict[str, Any] = {"rfilename": entry.path, "size": entry.size, "blobId": entry.oid}
    if entry.large:
        sibling["lfs"] = {
            "sha256": entry.large.sha256,
            "size": entry.large.size,
            "pointerSize": entry.pointer_size,
        }
    return sibling

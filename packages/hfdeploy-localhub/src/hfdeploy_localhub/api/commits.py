"""Writing to a repo: validate-yaml, preupload, commit."""

import asyncio
import tempfile
from typing import IO, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from hfdeploy_localhub.api.context import Body, CurrentHub, CurrentUser, Decoded, OwnRepo, web_url
from hfdeploy_localhub.cards import check_card, read_card
from hfdeploy_localhub.commits import NewCommit, PendingCommit, read_lines
from hfdeploy_localhub.errors import BadRequest, HeadMoved, TooLarge
from hfdeploy_localhub.ignores import Ignores
from hfdeploy_localhub.model import Caller, Repo, check_file_path
from hfdeploy_localhub.store.store import Store, author_of

router = APIRouter(prefix="/api")

LARGE_FILE_BYTES = 10 * 1024 * 1024
"""From this size on a file is kept outside git whatever its name."""
_MAX_PREUPLOAD_FILES = 1000
_MAX_COMMIT_BYTES = 4 * 1024**3
_IN_MEMORY_BYTES = 8 * 1024**2


class CardToCheck(Body):
    content: str
    repo_type: str = "model"


class AnnouncedFile(Body):
    path: str
    size: int = Field(ge=0)


class Announcement(Body):
    files: list[AnnouncedFile]
    git_ignore: str | None = None
    git_attributes: str | None = None


@router.post("/validate-yaml")
def validate_card(body: CardToCheck) -> JSONResponse:
    errors, warnings = check_card(read_card(body.content), body.repo_type)
    answer = {
        "errors": [{"message": message} for message in errors],
        "warnings": [{"message": message} for message in warnings],
    }
    return JSONResponse(answer, status_code=400 if errors else 200)


@router.post("/{types}/{namespace}/{name}/preupload/{revision}")
def preupload(body: Announcement, revision: Decoded, hub: CurrentHub, repo: OwnRepo) -> dict[str, Any]:
    """How each file is to be sent, and what its path holds now."""
    if len(body.files) > _MAX_PREUPLOAD_FILES:
        raise BadRequest(f"Ask for {_MAX_PREUPLOAD_FILES} files at most in one call, not {len(body.files)}.")
    git = hub.store.git(repo)
    commit = git.head(git.branch(revision))
    rules = git.large_file_rules(commit, body.git_attributes)
    ignores = Ignores(body.git_ignore if body.git_ignore is not None else git.text(commit, ".gitignore"))
    answer = []
    for file in body.files:
        path = check_file_path(file.path)
        large = file.size >= LARGE_FILE_BYTES or (file.size > 0 and rules(path))
        described: dict[str, Any] = {
            "path": path,
            "uploadMode": "lfs" if large else "regular",
            "shouldIgnore": ignores.covers(path),
        }
        present = git.find(commit, path)
        if present is not None and present.kind == "file":
            described["oid"] = present.etag
        answer.append(described)
    return {"files": answer, "commitOid": commit}


@router.post("/{types}/{namespace}/{name}/commit/{revision}")
async def commit(
    revision: Decoded, request: Request, hub: CurrentHub, repo: OwnRepo, caller: CurrentUser
) -> dict[str, Any]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as body:
        await _receive(request, body)
        body.seek(0)
        oid = await asyncio.to_thread(_commit, hub.store, repo, caller, revision, body)
    if repo.type == "space" and revision in ("main", "refs/heads/main"):
        await hub.spaces.pushed(repo.full_name)
    url = f"{web_url(request, repo)}/commit/{oid}"
    return {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""}


async def _receive(request: Request, body: IO[bytes]) -> None:
    received = 0
    async for data in request.stream():
        received += len(data)
        if received > _MAX_COMMIT_BYTES:
            raise TooLarge(
                f"A commit's body is {_MAX_COMMIT_BYTES} bytes at most: send large files by LFS or xet."
            )
        body.write(data)


def _commit(store: Store, repo: Repo, caller: Caller, revision: str, body: IO[bytes]) -> str:
    git = store.git(repo)
    ref = git.branch(revision)
    pending = PendingCommit(git, lambda sha256: store.repos.owns_large_file(repo, sha256))
    for line in read_lines(body):
        pending.add(line)
    new: NewCommit = pending.finish()
    with store.lock(repo):
        head = git.head(ref)
        if new.parent is not None and git.resolve(new.parent) != head:
            raise HeadMoved
        return git.commit(
            ref, new.changes, parent=head, message=new.message, author=author_of(caller), now=store.now()
        )

"""Writing to a repo: validate-yaml, preupload, commit."""

import asyncio
import tempfile
from dataclasses import dataclass
from typing import IO, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from hfdeploy_localhub.api.context import (
    Body,
    CurrentHub,
    CurrentUser,
    Decoded,
    ExtensibleRepo,
    get_caller,
    web_url,
)
from hfdeploy_localhub.cards import check_card, read_card
from hfdeploy_localhub.commits import NewCommit, PendingCommit, read_lines
from hfdeploy_localhub.errors import BadRequest, HeadMoved, TooLarge
from hfdeploy_localhub.ignores import Ignores
from hfdeploy_localhub.model import check_file_path
from hfdeploy_localhub.pull_requests import Talk
from hfdeploy_localhub.store.git import MAIN
from hfdeploy_localhub.store.store import author_of

router = APIRouter(prefix="/api", dependencies=[Depends(get_caller)])

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
def preupload(body: Announcement, revision: Decoded, hub: CurrentHub, repo: ExtensibleRepo) -> dict[str, Any]:
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
    revision: Decoded,
    request: Request,
    hub: CurrentHub,
    repo: ExtensibleRepo,
    caller: CurrentUser,
    create_pr: bool = False,
) -> dict[str, Any]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as body:
        await _receive(request, body)
        body.seek(0)
        made = await asyncio.to_thread(_commit, Talk(hub.store, repo, caller), revision, body, create_pr)
    if repo.type == "space" and made.ref == MAIN:
        await hub.spaces.pushed(repo.full_name)
    url = web_url(request, repo)
    answer = {
        "success": True,
        "commitOid": made.oid,
        "commitUrl": f"{url}/commit/{made.oid}",
        "hookOutput": "",
    }
    if made.pull_request is not None:
        answer["pullRequestUrl"] = f"{url}/discussions/{made.pull_request}"
    return answer


@dataclass(frozen=True, slots=True)
class _Made:
    """A commit, the ref it is on, and the number of the pull request that was opened for it."""

    oid: str
    ref: str
    pull_request: int | None = None


async def _receive(request: Request, body: IO[bytes]) -> None:
    received = 0
    async for data in request.stream():
        received += len(data)
        if received > _MAX_COMMIT_BYTES:
            raise TooLarge(
                f"A commit's body is {_MAX_COMMIT_BYTES} bytes at most: send large files by LFS or xet."
            )
        body.write(data)


def _commit(talk: Talk, revision: str, body: IO[bytes], create_pr: bool) -> _Made:
    store, repo = talk.store, talk.repo
    git = store.git(repo)
    base = git.branch(revision)
    pending = PendingCommit(git, lambda sha256: store.repos.owns_large_file(repo, sha256))
    for line in read_lines(body):
        pending.add(line)
    new: NewCommit = pending.finish()
    with store.lock(repo):
        head = git.head(base)
        if new.parent is not None and not git.is_at(new.parent, head):
            raise HeadMoved
        oid = git.write(
            new.changes, parent=head, message=new.message, author=author_of(talk.caller), now=store.now()
        )
        if create_pr:
            discussion = talk.open_pull_request(new.title, new.description, oid, "open")
            talk.record_commit(discussion, oid, new.title)
            return _Made(oid, discussion.ref, discussion.num)
        git.set_ref(base, oid)
        if base.startswith("refs/pr/"):
            _extend_pull_request(talk, int(base.removeprefix("refs/pr/")), oid, new.title)
    return _Made(oid, base)


def _extend_pull_request(talk: Talk, num: int, oid: str, title: str) -> None:
    discussion = talk.store.discussions.find(talk.repo, num)
    if discussion is not None:
        talk.record_commit(discussion, oid, title)

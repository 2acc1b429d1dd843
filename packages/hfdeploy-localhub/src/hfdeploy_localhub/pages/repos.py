"""A repo: its card, files, history and discussions."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from hfdeploy_localhub.api.context import CurrentHub, Decoded, Number, check_open, get_hub
from hfdeploy_localhub.errors import EntryNotFound, NotFound
from hfdeploy_localhub.model import Repo
from hfdeploy_localhub.pages import views
from hfdeploy_localhub.pages.rendering import render
from hfdeploy_localhub.pages.route import make_router, send_bytes
from hfdeploy_localhub.pages.spaces import show_space
from hfdeploy_localhub.pages.visitor import SeenRepo, Visitor
from hfdeploy_localhub.store.git import GitRepository

router = make_router()


def get_content(request: Request, repo: SeenRepo) -> GitRepository:
    return get_hub(request).store.git(repo)


Content = Annotated[GitRepository, Depends(get_content)]


def for_repos(path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A route of every repo's page: models have no prefix."""

    def register(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        router.get("/{types}/{namespace}/{name}" + path)(endpoint)
        return router.get("/{namespace}/{name}" + path)(endpoint)

    return register


@for_repos("/tree/{revision}")
def show_root(hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded) -> Response:
    shown = views.show_repo(hub, visitor, repo, git, revision)
    folder = views.list_folder(git, shown.commit.id, "")
    readme = views.read_readme(git, shown, _links(repo, revision))
    return render("tree.html", visitor=visitor, shown=shown, folder=folder, path="", readme=readme)


@for_repos("/tree/{revision}/{path:path}")
def show_folder(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded, path: Decoded
) -> Response:
    shown = views.show_repo(hub, visitor, repo, git, revision)
    folder = views.list_folder(git, shown.commit.id, path.strip("/"))
    return render("tree.html", visitor=visitor, shown=shown, folder=folder, path=path.strip("/"), readme=None)


@for_repos("/blob/{revision}/{path:path}")
def show_file(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded, path: Decoded
) -> Response:
    check_open(hub.store, visitor, repo)
    shown = views.show_repo(hub, visitor, repo, git, revision)
    entry = git.entry(shown.commit.id, path)
    if entry.kind != "file":
        return RedirectResponse(f"/{repo.web_path}/tree/{revision}/{path}", status_code=302)
    return render(
        "blob.html",
        visitor=visitor,
        shown=shown,
        entry=entry,
        path=path,
        lines=views.read_text(git, entry),
        is_image=views.find_image_type(path) is not None,
    )


@for_repos("/file/{revision}/{path:path}")
def send_file(
    request: Request,
    hub: CurrentHub,
    visitor: Visitor,
    repo: SeenRepo,
    git: Content,
    revision: Decoded,
    path: Decoded,
) -> Response:
    check_open(hub.store, visitor, repo)
    entry = git.entry(git.resolve(revision), path)
    if entry.kind != "file":
        raise EntryNotFound(f"Entry not found: {path}")
    content = hub.store.large_content(entry.large.sha256) if entry.large else git.read(entry)
    return send_bytes(request, content, path)


@for_repos("/commits/{revision}")
def show_commits(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded, skip: int = 0
) -> Response:
    shown = views.show_repo(hub, visitor, repo, git, revision)
    commits, older = views.list_commits(git, shown.commit.id, max(skip, 0))
    return render("commits.html", visitor=visitor, shown=shown, commits=commits, older=older)


@for_repos("/commit/{revision}")
def show_commit(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded
) -> Response:
    check_open(hub.store, visitor, repo)
    shown = views.show_repo(hub, visitor, repo, git, revision)
    return render("commit.html", visitor=visitor, shown=shown, change=views.read_change(git, shown.commit.id))


@for_repos("/discussions")
def show_discussions(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, skip: int = 0
) -> Response:
    shown = views.show_repo(hub, visitor, repo, git, "main")
    discussions, older = views.list_discussions(hub, repo, max(skip, 0))
    return render("discussions.html", visitor=visitor, shown=shown, discussions=discussions, older=older)


@for_repos("/discussions/{num}")
def show_discussion(hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, num: Number) -> Response:
    discussion = hub.store.discussions.find(repo, num)
    if discussion is None:
        raise NotFound(f"{repo.full_name} has no discussion {num}.")
    shown = views.show_repo(hub, visitor, repo, git, "main")
    talk = views.read_talk(hub, repo, num, _links(repo, "main"))
    return render("discussion.html", visitor=visitor, shown=shown, discussion=discussion, talk=talk)


@router.get("/{types}/{namespace}/{name}")
@router.get("/{namespace}/{name}")
def show_card(request: Request, hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content) -> Response:
    if repo.type == "space":
        return show_space(request, hub, visitor, repo, git)
    shown = views.show_repo(hub, visitor, repo, git, "main")
    readme = views.read_readme(git, shown, _links(repo, "main"))
    size = hub.store.repos.large_file_bytes(repo)
    return render("card.html", visitor=visitor, shown=shown, readme=readme, large_bytes=size)


def _links(repo: Repo, revision: str) -> dict[str, str]:
    at = quote(revision, safe="")
    return {"files": f"/{repo.web_path}/blob/{at}", "images": f"/{repo.web_path}/file/{at}"}

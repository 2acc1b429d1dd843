"""What makes of a deploy to a Space one to a preview of it, and which previews there are."""

from dataclasses import dataclass, replace

from hfdeploy_core.errors import PermissionRefused
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import RepoRef, Visibility
from hfdeploy_core.options import Options
from hfdeploy_core.planning.previews import check_room, decide_hardware, mark_preview, name_preview
from hfdeploy_core.planning.relay import find_marked


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview that is there. `tags` are those of its card, one of which may say when it expires."""

    id: str
    repo_id: str
    tags: tuple[str, ...]


def turn_aside(hub: Hub, repo: RepoRef, id: str, most: int, options: Options) -> tuple[RepoRef, Options]:
    """The preview `id` of a Space, and what is asked for there. Raises TooManyPreviews."""
    place = find_place(hub, repo)
    preview = name_preview(place, id)
    info = hub.find_repo(preview)
    if info is None:
        check_room([found.id for found in find_previews(hub, place)], most, place)
    changed = options.copy()
    changed["visibility"] = options.get("visibility") or Visibility.PRIVATE
    changed["hardware"] = decide_hardware(options.get("hardware"), info)
    changed["marker"] = mark_preview(place)
    return preview, changed


def find_place(hub: Hub, repo: RepoRef) -> RepoRef:
    """The repo, in the namespace of the token where none is named."""
    return repo if repo.namespace else replace(repo, namespace=hub.whoami().name)


def find_previews(hub: Hub, repo: RepoRef) -> tuple[Preview, ...]:
    """The previews of a Space that are there, by id."""
    prefix = f"{repo.name}-"
    near = [space for space in hub.list_spaces(repo.namespace) if space.repo.name.startswith(prefix)]
    found = []
    for space in near:
        try:
            told = find_marked(mark_preview(repo).name, hub.list_variables(space.repo))
        except PermissionRefused:
            continue  # what this token may not change is no preview that it made
        if told == repo.id:
            found.append(Preview(space.repo.name.removeprefix(prefix), space.repo.id, space.tags))
    return tuple(sorted(found, key=lambda preview: preview.id))

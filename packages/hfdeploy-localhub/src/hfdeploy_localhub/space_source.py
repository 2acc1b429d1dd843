"""What the running Spaces learn from the store: the joint between the two."""

from collections.abc import Sequence
from pathlib import Path

from hfdeploy_localhub.errors import HubError
from hfdeploy_localhub.model import Repo, Right, decide_right
from hfdeploy_localhub.signing import Signer
from hfdeploy_localhub.spaces import SpaceSettings
from hfdeploy_localhub.store.repos import Listing
from hfdeploy_localhub.store.store import Store

_ALL = 1_000_000


class StoreSource:
    """Implements ``spaces.SpaceSource`` over the store; Spaces are named ``ns/name`` there."""

    def __init__(self, store: Store, signer: Signer) -> None:
        self._store = store
        self._signer = signer

    def spaces(self) -> Sequence[str]:
        return [repo.full_name for repo in self._store.repos.page(Listing("space", limit=_ALL))]

    def head(self, space: str) -> str:
        return self._store.git(self._repo(space)).head()

    def export(self, space: str, commit: str, folder: Path) -> None:
        """Writes the commit's files; large ones with their content, not their pointers."""
        git = self._store.git(self._repo(space))
        for entry in git.walk(commit, recursive=True):
            place = folder / entry.path
            if entry.kind == "directory":
                place.mkdir(parents=True, exist_ok=True)
            elif entry.large is None:
                place.write_bytes(git.read(entry))
            else:
                content = self._store.large_content(entry.large.sha256)
                with place.open("wb") as file:
                    file.writelines(content.read(0, content.size))

    def settings(self, space: str) -> SpaceSettings:
        repo = self._repo(space)
        rows = self._store.space_rows
        row = rows.get(repo)
        return SpaceSettings(
            private=repo.visibility == "private",
            variables={item.key: item.value for item in rows.settings(repo, "variable")},
            secrets={item.key: item.value for item in rows.settings(repo, "secret")},
            hardware=row.hardware,
            paused=row.paused,
        )

    def may_read(self, space: str, token: str | None) -> bool:
        """``token`` may be a word that the hub's pages signed for a visit to this Space, and no other."""
        visit = self._signer.verify("visit", token or "", self._store.now())
        if visit is not None:
            return bool(visit["space"] == self._repo(space).id)
        try:
            caller = self._store.accounts.caller(token, self._store.now())
        except HubError:
            return False
        return decide_right(caller, self._repo(space)) >= Right.READ

    def knows_token(self, token: str) -> bool:
        return self._store.accounts.knows_token(token)

    def port(self, space: str) -> int | None:
        return self._store.space_rows.get(self._repo(space)).port

    def remember_port(self, space: str, port: int) -> None:
        self._store.space_rows.update(self._repo(space), {"port": port})

    def _repo(self, space: str) -> Repo:
        namespace, _, name = space.partition("/")
        repo = self._store.repos.find("space", namespace, name)
        if repo is None:
            raise LookupError(f"There is no Space {space}")
        return repo

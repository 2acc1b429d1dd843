"""Any series of what the stock client can ask for leaves the hub and a simple model of it the same."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hfdeploy_localhub import LocalHub, Organisation, User
from hfdeploy_localhub.serving import HubLoop

from .model import MAIN, Commit, PullRequest, Repo, change, folders, holds, merge

HISTORIES = max(3, int(os.environ.get("HFDEPLOY_HISTORIES", "0")) // 100)

TYPES = st.sampled_from(["model", "dataset"])
NAMES = st.sampled_from(["alice/a", "alice/b", "acme/a"])
PATHS = st.sampled_from(["a", "b.txt", "d/x", "d/y", "d/e/z", "w.bin"])
FOLDERS = st.sampled_from(["d", "d/e", "nope"])
CONTENTS = st.binary(max_size=3).map(lambda content: b"\0" + content)  # git merges no binary files
BRANCHES = st.sampled_from(["main", "main", "dev", "feature/x"])
TAGS = st.sampled_from(["v1", "dev", "rc/1"])
WHICH = st.integers(0, 1000)
ADDS = st.dictionaries(PATHS, CONTENTS, min_size=1, max_size=3)
CHANGES = st.tuples(BRANCHES, ADDS, st.sampled_from([None, False, True]))


@pytest.fixture(scope="module")
def hub_loop() -> Iterator[HubLoop]:
    loop = HubLoop()
    yield loop
    loop.stop()


class HubMachine(RuleBasedStateMachine):
    """Alice and bob, who is in her organisation, do what the client can; mallory looks on."""

    loop: HubLoop

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        users = [
            User("alice", organisations=("acme",)),
            User("bob", organisations=("acme",)),
            User("mallory"),
        ]
        self.hub = LocalHub(
            Path(self.folder.name),
            users=users,
            organisations=[Organisation("acme")],
            loop=self.loop,
            durable=False,
        )
        self.hub.__enter__()
        self.apis = {
            name: HfApi(endpoint=self.hub.endpoint, token=token) for name, token in self.hub.tokens.items()
        }
        self.api = self.apis["alice"]
        self.repos: list[Repo] = []
        self.checked = set[str]()

    def teardown(self) -> None:
        if hasattr(self, "hub"):
            try:
                self.checked.clear()
                for repo in self.repos:
                    self.check(repo)
            finally:
                self.hub.__exit__(None, None, None)
                self.folder.cleanup()

    # -- repos -------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.repos) < 3)
    @rule(type=TYPES, id=NAMES, private=st.booleans())
    def create(self, type: str, id: str, private: bool) -> None:
        if self.find(type, id):
            refuses(409, lambda: self.api.create_repo(id, repo_type=type, private=private))
            return
        self.api.create_repo(id, repo_type=type, private=private)
        repo = Repo(type, id, private)
        info = self.api.repo_info(id, repo_type=type)
        attributes = self.read(repo, ".gitattributes", info.sha)
        repo.add(MAIN, info.sha, Commit({".gitattributes": attributes}, "initial commit"))
        for other in self.repos:  # a new repo takes its name from the redirects
            if other.type == type and id in other.old_ids:
                other.old_ids.remove(id)
        self.repos.append(repo)
        self.check(repo)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, id=NAMES)
    def move(self, which: int, id: str) -> None:
        repo = self.pick(which)
        taken = self.find(repo.type, id)
        if taken is not None and taken is not repo:
            refuses(409, lambda: self.api.move_repo(repo.id, id, repo_type=repo.type))
            return
        self.api.move_repo(repo.id, id, repo_type=repo.type)
        for other in self.repos:
            if other.type == repo.type and id in other.old_ids:
                other.old_ids.remove(id)
        if id != repo.id:
            repo.old_ids.append(repo.id)
            repo.id = id
        self.check(repo)

    @precondition(lambda self: len(self.repos) == 3)
    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        repo = self.pick(which)
        self.api.delete_repo(repo.id, repo_type=repo.type)
        self.repos.remove(repo)
        for id in (repo.id, *repo.old_ids):
            assert not self.api.repo_exists(id, repo_type=repo.type)
        with pytest.raises(RepositoryNotFoundError):
            self.api.delete_repo(repo.id, repo_type=repo.type)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, private=st.booleans(), gated=st.sampled_from(["auto", "manual", False]))
    def set(self, which: int, private: bool, gated: Any) -> None:
        repo = self.pick(which)
        self.api.update_repo_settings(repo.id, repo_type=repo.type, private=private, gated=gated)
        repo.private, repo.gated = private, gated
        self.check(repo)

    # -- commits -----------------------------------------------------------------------------------

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, changes=st.lists(CHANGES, min_size=1, max_size=4))
    def commit(self, which: int, changes: list[tuple[str, dict[str, bytes], bool | None]]) -> None:
        repo = self.pick(which)
        for number, (branch, adds, stale) in enumerate(changes):
            api = self.apis["bob"] if repo.id.startswith("acme/") and number % 2 else self.api
            self.add(api, repo, branch, adds, stale)
        self.check(repo)

    def add(self, api: HfApi, repo: Repo, branch: str, adds: dict[str, bytes], stale: bool | None) -> None:
        ref = f"refs/heads/{branch}"
        parent = None  # not told, the branch's head, or what was its head before
        if ref in repo.refs and stale is not None:
            before = repo.commits[repo.refs[ref]].parents
            parent = before[0] if stale and before else repo.refs[ref]

        def send() -> Any:
            return api.create_commit(
                repo.id,
                [CommitOperationAdd(path, content) for path, content in adds.items()],
                commit_message="add",
                revision=branch,
                repo_type=repo.type,
                parent_commit=parent,
            )

        if ref not in repo.refs:
            with pytest.raises(RevisionNotFoundError):
                send()
            return
        files = repo.files(ref)
        if all(files.get(path) == content for path, content in adds.items()):
            assert send().oid == repo.refs[ref]
        elif parent not in (None, repo.refs[ref]):
            refuses(412, send)
        else:
            repo.add(ref, send().oid, Commit(change(files, adds), "add", (repo.refs[ref],)))

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, ref=WHICH, path=st.one_of(PATHS, FOLDERS))
    def remove(self, which: int, ref: int, path: str) -> None:
        repo = self.pick(which)
        name = self.pick_ref(repo, ref, "refs/heads/")
        files = repo.files(name)
        folder = path in folders(files) or path in ("d", "d/e", "nope")

        def send() -> Any:
            operation = CommitOperationDelete(path + "/" * folder, is_folder=folder)
            revision = name.removeprefix("refs/heads/")
            return self.api.create_commit(
                repo.id, [operation], commit_message="delete", revision=revision, repo_type=repo.type
            )

        if holds(files, path):
            repo.add(name, send().oid, Commit(change(files, {path: None}), "delete", (repo.refs[name],)))
        else:
            with pytest.raises(EntryNotFoundError):
                send()
        self.check(repo)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, source=st.sampled_from(["a", "d/x", "w.bin"]), destination=PATHS, revision=WHICH)
    def copy(self, which: int, source: str, destination: str, revision: int) -> None:
        repo = self.pick(which)
        commit = sorted(repo.commits)[revision % len(repo.commits)]
        known, files = repo.commits[commit].files, repo.files(MAIN)
        operation = CommitOperationCopy(source, destination, src_revision=commit)

        def send() -> Any:
            return self.api.create_commit(repo.id, [operation], commit_message="copy", repo_type=repo.type)

        if source not in known:
            with pytest.raises(EntryNotFoundError):
                send()
        elif files.get(destination) == known[source]:
            assert send().oid == repo.refs[MAIN]
        else:
            after = change(files, {destination: known[source]})
            repo.add(MAIN, send().oid, Commit(after, "copy", (repo.refs[MAIN],)))
        self.check(repo)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, ref=WHICH)
    def squash(self, which: int, ref: int) -> None:
        repo = self.pick(which)
        name = self.pick_ref(repo, ref, "refs/heads/")
        branch = name.removeprefix("refs/heads/")
        self.api.super_squash_history(repo.id, branch=branch, commit_message="squash", repo_type=repo.type)
        (only,) = self.api.list_repo_commits(repo.id, revision=branch, repo_type=repo.type)
        repo.add(name, only.commit_id, Commit(repo.files(name), "squash"))
        self.check(repo)

    # -- refs --------------------------------------------------------------------------------------

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, branch=BRANCHES, start=WHICH, overwrite=st.booleans())
    def branch(self, which: int, branch: str, start: int, overwrite: bool) -> None:
        repo = self.pick(which)
        revision = self.pick_revision(repo, start)
        ref = f"refs/heads/{branch}"

        def send() -> None:
            self.api.create_branch(repo.id, branch=branch, revision=revision, repo_type=repo.type)

        if ref in repo.refs:
            refuses(409, send)
        else:
            send()
            commit = repo.resolve(revision)
            assert commit is not None
            repo.refs[ref] = commit
        self.check(repo)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, branch=BRANCHES)
    def drop_branch(self, which: int, branch: str) -> None:
        repo = self.pick(which)

        def send() -> None:
            self.api.delete_branch(repo.id, branch=branch, repo_type=repo.type)

        if branch == "main":
            refuses(400, send)
        elif repo.refs.pop(f"refs/heads/{branch}", None) is None:
            refuses(404, send)
        else:
            send()
        self.check(repo)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, tag=TAGS, start=WHICH, message=st.sampled_from([None, "a message"]))
    def tag(self, which: int, tag: str, start: int, message: str | None) -> None:
        repo = self.pick(which)
        revision = self.pick_revision(repo, start)

        def send() -> None:
            self.api.create_tag(repo.id, tag=tag, tag_message=message, revision=revision, repo_type=repo.type)

        if f"refs/tags/{tag}" in repo.refs:
            refuses(409, send)
        else:
            send()
            commit = repo.resolve(revision)
            assert commit is not None
            repo.refs[f"refs/tags/{tag}"] = commit
        self.check(repo)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, tag=TAGS)
    def drop_tag(self, which: int, tag: str) -> None:
        repo = self.pick(which)

        def send() -> None:
            self.api.delete_tag(repo.id, tag=tag, repo_type=repo.type)

        if repo.refs.pop(f"refs/tags/{tag}", None) is None:
            refuses(404, send)
        else:
            send()
        self.check(repo)

    # -- pull requests -----------------------------------------------------------------------------

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, adds=ADDS, by=st.sampled_from(["alice", "mallory"]))
    def propose(self, which: int, adds: dict[str, bytes], by: str) -> None:
        """Who sees a repo may propose a change."""
        repo = self.pick(which)

        def send() -> Any:
            return self.apis[by].create_commit(
                repo.id,
                [CommitOperationAdd(path, content) for path, content in adds.items()],
                commit_message="propose",
                repo_type=repo.type,
                create_pr=True,
            )

        files = repo.files(MAIN)
        if by == "mallory" and repo.private:
            with pytest.raises(RepositoryNotFoundError):
                send()
        elif all(files.get(path) == content for path, content in adds.items()):
            assert send().pr_num is None
        else:
            made = send()
            repo.pulls.append(PullRequest("propose", "open", by))
            assert made.pr_num == len(repo.pulls)
            ref = f"refs/pr/{made.pr_num}"
            repo.add(ref, made.oid, Commit(change(files, adds), "propose", (repo.refs[MAIN],)))
        self.check(repo)

    @precondition(lambda self: any(repo.pulls for repo in self.repos))
    @rule(which=WHICH, num=WHICH, path=PATHS, content=CONTENTS)
    def extend(self, which: int, num: int, path: str, content: bytes) -> None:
        repo = self.pick(which, lambda repo: bool(repo.pulls))
        ref = f"refs/pr/{num % len(repo.pulls) + 1}"
        files = repo.files(ref)
        made = self.api.upload_file(
            repo_id=repo.id,
            path_or_fileobj=content,
            path_in_repo=path,
            revision=ref,
            repo_type=repo.type,
            commit_message="extend",
        )
        if files.get(path) != content:
            repo.add(ref, made.oid, Commit(change(files, {path: content}), "extend", (repo.refs[ref],)))
        self.check(repo)

    @precondition(lambda self: any(repo.pulls for repo in self.repos))
    @rule(which=WHICH, num=WHICH)
    def merge(self, which: int, num: int) -> None:
        repo = self.pick(which, lambda repo: bool(repo.pulls))
        number = num % len(repo.pulls) + 1
        pull, ref = repo.pulls[number - 1], f"refs/pr/{number}"

        def send() -> None:
            self.api.merge_pull_request(repo.id, number, repo_type=repo.type)

        shared = repo.history(MAIN) & repo.history(ref)
        newest = [one for one in shared if not any(one in repo.commits[two].parents for two in shared)]
        if pull.status != "open":
            refuses(400, send)
        elif len(newest) == 1:  # histories that crossed, or were squashed apart, are git's own business
            merged = merge(repo.commits[newest[0]].files, repo.files(MAIN), repo.files(ref))
            if merged is None:
                refuses(409, send)
            else:
                send()
                details = self.api.get_discussion_details(repo.id, number, repo_type=repo.type)
                pull.status = "merged"
                parents = (repo.refs[MAIN], repo.refs[ref])
                repo.add(MAIN, details.merge_commit_oid, Commit(merged, f"propose (#{number})", parents))
        self.check(repo)

    @precondition(lambda self: any(repo.pulls for repo in self.repos))
    @rule(which=WHICH, num=WHICH, status=st.sampled_from(["open", "closed"]))
    def change_status(self, which: int, num: int, status: Any) -> None:
        repo = self.pick(which, lambda repo: bool(repo.pulls))
        number = num % len(repo.pulls) + 1
        pull = repo.pulls[number - 1]

        def send() -> None:
            self.api.change_discussion_status(repo.id, number, status, repo_type=repo.type)

        if pull.status in ("merged", status):
            refuses(400, send)
        else:
            send()
            pull.status = status
        self.check(repo)

    # -- looking -----------------------------------------------------------------------------------

    def check(self, repo: Repo) -> None:
        """All that the hub tells of a repo is what the model says."""
        info = self.api.repo_info(repo.id, repo_type=repo.type)
        assert (info.id, info.private, info.gated, info.sha) == (
            repo.id,
            repo.private,
            repo.gated,
            repo.refs[MAIN],
        )
        assert self.apis["mallory"].repo_exists(repo.id, repo_type=repo.type) is not repo.private
        for old in repo.old_ids:
            assert self.api.repo_info(old, repo_type=repo.type).id == repo.id
        refs = self.api.list_repo_refs(repo.id, repo_type=repo.type, include_pull_requests=True)
        told = {
            ref.ref: ref.target_commit for ref in [*refs.branches, *refs.tags, *(refs.pull_requests or [])]
        }
        assert told == repo.refs
        for ref, commit in repo.refs.items():
            if commit not in self.checked:  # what a commit holds does not change
                self.check_files(repo, ref)
                self.checked.add(commit)
        pulls = self.api.get_repo_discussions(repo.id, repo_type=repo.type)
        shown = {pull.num: (pull.title, pull.status, pull.author) for pull in pulls}
        assert shown == {
            num: (pull.title, pull.status, pull.author) for num, pull in enumerate(repo.pulls, 1)
        }

    def check_files(self, repo: Repo, ref: str) -> None:
        entries = list(self.api.list_repo_tree(repo.id, recursive=True, revision=ref, repo_type=repo.type))
        files = repo.files(ref)
        assert {entry.path for entry in entries} == {*files, *folders(files)}
        for entry in entries:
            if entry.path in files:
                large = entry.lfs
                name = large.sha256 if large else entry.blob_id
                hasher = hashlib.sha256 if large else hash_blob
                assert (name, entry.size) == (hasher(files[entry.path]).hexdigest(), len(files[entry.path]))
        commits = list(self.api.list_repo_commits(repo.id, revision=ref, repo_type=repo.type))
        assert commits[0].commit_id == repo.refs[ref]
        assert {commit.commit_id for commit in commits} == repo.history(ref)
        assert all(commit.title == repo.commits[commit.commit_id].title for commit in commits)

    @precondition(lambda self: self.repos)
    @rule(which=WHICH, revision=WHICH, path=PATHS)
    def download(self, which: int, revision: int, path: str) -> None:
        repo = self.pick(which)
        commit = sorted(repo.commits)[revision % len(repo.commits)]
        files = repo.commits[commit].files
        if path in files:
            assert self.read(repo, path, commit) == files[path]
        else:
            with pytest.raises(EntryNotFoundError):
                self.read(repo, path, commit)

    def read(self, repo: Repo, path: str, revision: str | None) -> bytes:
        with tempfile.TemporaryDirectory() as cache:
            found = self.api.hf_hub_download(
                repo.id, path, revision=revision, repo_type=repo.type, cache_dir=cache
            )
            return Path(found).read_bytes()

    def find(self, type: str, id: str) -> Repo | None:
        return next((repo for repo in self.repos if (repo.type, repo.id) == (type, id)), None)

    def pick(self, which: int, wanted: Callable[[Repo], bool] = lambda repo: True) -> Repo:
        chosen = [repo for repo in self.repos if wanted(repo)]
        return chosen[which % len(chosen)]

    def pick_ref(self, repo: Repo, which: int, prefix: str) -> str:
        refs = sorted(ref for ref in repo.refs if ref.startswith(prefix))
        return refs[which % len(refs)]

    def pick_revision(self, repo: Repo, which: int) -> str:
        names = sorted({*repo.refs, *(ref.split("/", 2)[2] for ref in repo.refs), *repo.commits})
        usable = [name for name in names if repo.resolve(name)]
        return usable[which % len(usable)]


def hash_blob(content: bytes) -> Any:
    return hashlib.sha1(b"blob %d\0" % len(content) + content)


def refuses(status: int, send: Callable[[], Any]) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        send()
    assert caught.value.response.status_code == status


@pytest.mark.timeout(3600 if "HFDEPLOY_HISTORIES" in os.environ else 120)
def test_any_series_of_requests_agrees_with_the_model(hub_loop: HubLoop) -> None:
    HubMachine.loop = hub_loop
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        HubMachine,
        settings=settings(
            max_examples=HISTORIES, stateful_step_count=40, deadline=None, suppress_health_check=quiet
        ),
    )

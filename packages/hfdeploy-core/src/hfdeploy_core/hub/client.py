"""The adapter: the Hub over huggingface_hub, which nothing else imports.

huggingface_hub reads HF_ENDPOINT, HF_HOME and the rest of its settings when it is imported, and takes most of
a second for it: import this module late, when a Hub is really needed.
"""

import logging
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled, OIDCError, RepositoryNotFoundError
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    _http,
    build_hf_headers,
    hf_raise_for_status,
    paginate,
)

from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import (
    CardInvalid,
    DeployError,
    HubUnreachable,
    TokenMissing,
    TokenRejected,
    UploadFailed,
)
from hfdeploy_core.events import OnEvent, Waiting, Warned
from hfdeploy_core.hub.failures import Answer, map_answer, map_failure, map_lost
from hfdeploy_core.hub.port import Staged
from hfdeploy_core.hub.progress import report_bytes
from hfdeploy_core.hub.retry import Budget
from hfdeploy_core.hub.session import GaveUp, Patience, PatientClient
from hfdeploy_core.model import (
    Account,
    CommitInfo,
    FileEntry,
    Membership,
    RemoteFile,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    Visibility,
)
from hfdeploy_core.redact import redact, remember_secret

_COMMITS_A_PAGE = 50
_URL_PREFIX = {RepoType.MODEL: "", RepoType.DATASET: "datasets/", RepoType.SPACE: "spaces/"}


class HubClient:
    """The Hub at `endpoint` with `token`; left out, both are what they are to the `hf` command.

    A context manager: within it, all of huggingface_hub's requests in this process are repeated with patience
    (its client factory is process-wide), and its own log lines and progress bars come as events instead.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        on_event: OnEvent,
        budget: Budget | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._token = token
        self._on_event = on_event
        self._patience = Patience(
            budget or Budget(),
            clock or SystemClock(),
            random.random,
            lambda seconds, why: on_event(Waiting(seconds, redact(why))),
        )
        self._api = HfApi(endpoint=endpoint, token=token, library_name="hfdeploy")
        self._logger = logging.getLogger("huggingface_hub")

    def __enter__(self) -> Self:
        self._factory = inner = _http._GLOBAL_CLIENT_FACTORY
        self._handlers, self._logger.handlers = self._logger.handlers, [_Reporter(self._on_event)]
        huggingface_hub.set_client_factory(lambda: PatientClient(inner(), self._patience))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        huggingface_hub.set_client_factory(self._factory)
        self._logger.handlers = self._handlers

    def whoami(self) -> Account:
        with self._mapped("log in"):
            token = self._token or huggingface_hub.get_token()
            if not token:
                raise TokenMissing("No token for the Hub was found.")
            remember_secret(token)
            if not token.isascii() or not token.isprintable() or " " in token:
                raise TokenRejected("The token holds characters that no token has.")
            # Read once: a token that is renewed or replaced meanwhile would deploy as two people.
            self._token = self._api.token = token
            answer = self._api.whoami()
        role = answer.get("auth", {}).get("accessToken", {}).get("role")
        return Account(
            answer["name"],
            role,
            tuple(Membership(org["name"], org.get("roleInOrg")) for org in answer.get("orgs", ())),
        )

    def find_repo(self, repo: RepoRef) -> RepoInfo | None:
        with self._mapped(f"read {repo}"):
            try:
                info: Any = self._api.repo_info(repo.id, repo_type=repo.type)
            except RepositoryNotFoundError as error:
                if error.response.headers.get("X-Error-Code") == "GatedRepo":
                    raise
                return None
        namespace, _, name = info.id.rpartition("/")
        found = RepoRef(repo.type, namespace or repo.namespace, name)
        return RepoInfo(
            repo=found,
            url=f"{self._api.endpoint}/{_URL_PREFIX[repo.type]}{info.id}",
            head=info.sha,
            visibility=_read_visibility(info),
            sdk=getattr(info, "sdk", None),
            app_url=getattr(info, "host", None),
        )

    def list_files(self, repo: RepoRef, revision: str) -> tuple[RemoteFile, ...]:
        with self._mapped(f"list the files of {repo}"):
            tree = self._api.list_repo_tree(repo.id, repo_type=repo.type, revision=revision, recursive=True)
            return tuple(
                RemoteFile(item.path, item.size, item.blob_id, item.lfs.sha256 if item.lfs else None)
                for item in tree
                if isinstance(item, huggingface_hub.hf_api.RepoFile)
            )

    def check_write(self, repo: RepoRef) -> None:
        with self._mapped(f"write to {repo}"):
            self._api.auth_check(repo.id, repo_type=repo.type, write=True)

    def check_card(self, repo_type: RepoType, text: str) -> tuple[str, ...]:
        with self._mapped("have README.md checked"):
            response = huggingface_hub.get_session().post(
                f"{self._api.endpoint}/api/validate-yaml",
                json={"content": text, "repoType": repo_type},
                headers=build_hf_headers(token=self._token),
            )
            if response.status_code != 400:
                hf_raise_for_status(response)
            findings = response.json()
        if response.status_code == 400:
            reasons = "; ".join(finding.get("message", "") for finding in findings.get("errors", ()))
            raise CardInvalid(f"The Hub refuses the front matter of README.md: {reasons.rstrip('.')}.")
        return tuple(redact(finding.get("message", "")) for finding in findings.get("warnings", ()))

    def create_repo(self, repo: RepoRef, visibility: Visibility | None, sdk: Sdk | None) -> None:
        with self._mapped(f"create {repo}"):
            self._api.create_repo(
                repo.id,
                repo_type=repo.type,
                visibility=None if visibility is None else visibility.value,
                space_sdk=sdk,
                exist_ok=True,
            )

    def set_visibility(self, repo: RepoRef, visibility: Visibility) -> None:
        with self._mapped(f"make {repo} {visibility}"):
            self._api.update_repo_settings(repo.id, repo_type=repo.type, visibility=visibility.value)

    def stage(
        self, repo: RepoRef, root: Path, entries: Sequence[FileEntry], on_bytes: Callable[[int], None]
    ) -> Staged:
        uploads = []
        for entry in entries:
            upload = CommitOperationAdd(entry.path, str(root / entry.path))
            # Known already: the client need not read the file once more for it.
            upload.upload_info.sha256 = bytes.fromhex(entry.sha256)
            uploads.append(upload)
        with self._mapped(f"upload to {repo}", otherwise=UploadFailed), report_bytes(on_bytes):
            self._api.preupload_lfs_files(repo.id, additions=uploads, repo_type=repo.type, free_memory=False)
        kept = tuple(upload for upload in uploads if not upload._should_ignore)
        return Staged(kept, tuple(upload.path_in_repo for upload in uploads if upload._should_ignore))

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
        operations: list[Any] = [CommitOperationDelete(path, is_folder=False) for path in deletions]
        operations += staged.uploads
        with self._mapped(f"commit to {repo}"):
            made = self._api.create_commit(
                repo.id,
                operations,
                commit_message=title,
                commit_description=description,
                parent_commit=parent,
                repo_type=repo.type,
            )
        return made.oid

    def recent_commits(self, repo: RepoRef) -> tuple[CommitInfo, ...]:
        with self._mapped(f"read the history of {repo}"):
            url = f"{self._api.endpoint}/api/{repo.type}s/{repo.id}/commits/main"
            items = paginate(url, params={}, headers=build_hf_headers(token=self._token))
            return tuple(
                CommitInfo(item["id"], item["title"], item["message"])
                for item in islice(items, _COMMITS_A_PAGE)
            )

    @contextmanager
    def _mapped(self, doing: str, otherwise: type[DeployError] | None = None) -> Iterator[None]:
        """Turn foreign errors into ours, warnings into events. `otherwise`: for what has no better name."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            except DeployError:
                raise
            except Exception as error:
                mapped = self._map(error, doing) or (otherwise and otherwise(f"Cannot {doing}: {error}."))
                if mapped is None:
                    raise
                raise mapped from error
        for warning in caught:
            # Others are for programmers; and what is wrong with README.md, `check_card` has told before.
            text = " ".join(str(warning.message).split())
            if warning.category is UserWarning and not text.startswith("Warnings while validating metadata"):
                self._on_event(Warned(redact(text)))

    def _map(self, error: Exception, doing: str) -> DeployError | None:
        match error:
            case GaveUp(failure=failure) if failure.is_ambiguous and "/commit/" in error.url:
                return map_lost(doing, error.message)
            case GaveUp():
                return map_failure(error.failure, doing, self._api.endpoint, error.message)
            case HfHubHTTPError():
                code = error.response.headers.get("X-Error-Code")
                return map_answer(Answer(error.response.status_code, code, error.server_message), doing)
            case OIDCError():
                wrong = f"Cannot {doing} with this job's identity: {error}".rstrip(".") + "."
                return TokenRejected(
                    wrong, "Give the job its id token, or unset HF_OIDC_RESOURCE to use HF_TOKEN."
                )
            case OfflineModeIsEnabled():
                return HubUnreachable(f"Cannot {doing}: HF_HUB_OFFLINE is set.", "Unset HF_HUB_OFFLINE.")
            case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
                wrong = f"Cannot {doing}: {self._api.endpoint!r} is not the URL of a Hub."
                return HubUnreachable(wrong, "Set HF_ENDPOINT to a URL that begins with https://.")
            case httpx2.HTTPError():
                return HubUnreachable(f"Cannot {doing}: no answer from {self._api.endpoint} ({error}).")
            case _:
                return None


class _Reporter(logging.Handler):
    """Passes huggingface_hub's own warnings on as events."""

    def __init__(self, on_event: OnEvent) -> None:
        super().__init__(logging.WARNING)
        self._on_event = on_event

    def emit(self, record: logging.LogRecord) -> None:
        self._on_event(Warned(redact(" ".join(record.getMessage().split()))))


def _read_visibility(info: Any) -> Visibility:
    told = getattr(info, "visibility", None)
    if told in set(Visibility):
        return Visibility(told)
    return Visibility.PRIVATE if info.private else Visibility.PUBLIC

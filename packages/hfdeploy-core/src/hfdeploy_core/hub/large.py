"""Large files, sent by huggingface_hub (xet or LFS): imported only where there is one to send."""

import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import huggingface_hub
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import _http

from hfdeploy_core.errors import DeployError, HubUnreachable, UploadFailed
from hfdeploy_core.events import OnEvent, Warned
from hfdeploy_core.hub.failures import Answer, map_answer, map_failure
from hfdeploy_core.hub.patience import GaveUp, Patience
from hfdeploy_core.hub.progress import report_bytes
from hfdeploy_core.hub.session import PatientClient
from hfdeploy_core.model import FileEntry, RepoRef
from hfdeploy_core.redact import redact

# Addresses of storage are signed: whoever reads one may write there for a while.
_ADDRESS = re.compile(r"(https?://[^/\s]+)/\S+")
# What is put in place of huggingface_hub's own is the process's, and it sends many files at once anyway.
_ONE_AT_A_TIME = threading.Lock()


def upload_large(
    repo: RepoRef,
    files: Sequence[tuple[FileEntry, Path]],
    *,
    endpoint: str,
    token: str,
    patience: Patience,
    on_bytes: Callable[[int], None],
    on_event: OnEvent,
) -> dict[str, str]:
    """Store the contents of files, streamed: path -> sha256. Raises an AccessError or a HubError."""
    uploads = []
    for entry, location in files:
        upload = CommitOperationAdd(entry.path, str(location))
        upload._upload_mode, upload._should_ignore = "lfs", False
        if entry.sha256 is not None:
            # Known already: the file need not be read once more for it.
            upload.upload_info.sha256 = bytes.fromhex(entry.sha256)
        uploads.append(upload)
    api = HfApi(endpoint=endpoint, token=token, library_name="hfdeploy")
    with (
        _ONE_AT_A_TIME,
        _patiently(patience, on_event),
        _mapped(f"upload to {repo}", endpoint),
        report_bytes(on_bytes),
    ):
        api.preupload_lfs_files(repo.id, additions=uploads, repo_type=repo.type, free_memory=False)
    return {upload.path_in_repo: upload.upload_info.sha256.hex() for upload in uploads}


@contextmanager
def _patiently(patience: Patience, on_event: OnEvent) -> Iterator[None]:
    """Meanwhile huggingface_hub's requests have our patience, and its log lines and warnings are events.

    Its client factory and its logger are the process's own: both are put back.
    """
    logger = logging.getLogger("huggingface_hub")
    factory, handlers = _http._GLOBAL_CLIENT_FACTORY, logger.handlers
    logger.handlers = [_Reporter(on_event)]
    huggingface_hub.set_client_factory(lambda: PatientClient(factory(), patience))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        huggingface_hub.set_client_factory(factory)
        logger.handlers = handlers
    for warning in caught:
        # Others are for programmers.
        if warning.category is UserWarning:
            on_event(Warned(_clean(str(warning.message))))


@contextmanager
def _mapped(doing: str, endpoint: str) -> Iterator[None]:
    try:
        yield
    except DeployError:
        raise
    except GaveUp as error:
        raise map_failure(error.failure, doing, endpoint, error.message) from error
    except HfHubHTTPError as error:
        code = error.response.headers.get("X-Error-Code")
        raise map_answer(Answer(error.response.status_code, code, error.server_message), doing) from error
    except httpx2.HTTPError as error:
        raise HubUnreachable(f"Cannot {doing}: no answer from {endpoint} ({error}).") from error
    except Exception as error:
        raise UploadFailed(f"Cannot {doing}: {_clean(str(error))}.") from error


class _Reporter(logging.Handler):
    """Passes huggingface_hub's own warnings on as events."""

    def __init__(self, on_event: OnEvent) -> None:
        super().__init__(logging.WARNING)
        self._on_event = on_event

    def emit(self, record: logging.LogRecord) -> None:
        self._on_event(Warned(_clean(record.getMessage())))


def _clean(text: str) -> str:
    """A text of huggingface_hub's in one line, for everybody to read."""
    return redact(_ADDRESS.sub(r"\1/...", " ".join(text.split())))

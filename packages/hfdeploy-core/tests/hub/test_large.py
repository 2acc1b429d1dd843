import logging
import warnings
from pathlib import Path

import httpx2
import huggingface_hub
import pytest

from hfdeploy_core.errors import HubUnreachable, RateLimited, UploadFailed
from hfdeploy_core.events import Event, Warned
from hfdeploy_core.hub.large import upload_large
from hfdeploy_core.hub.patience import GaveUp, Patience
from hfdeploy_core.hub.retry import Budget, Failure
from hfdeploy_core.model import FileEntry, RepoRef, RepoType

MODEL = RepoRef(RepoType.MODEL, "alice", "app")


@pytest.fixture
def upload(tmp_path: Path, clock, told: list[Event], monkeypatch: pytest.MonkeyPatch):
    """Uploads one file with `act` in place of huggingface_hub's upload."""
    (tmp_path / "big.bin").write_bytes(b"x")
    entry = FileEntry("big.bin", 1, "1" * 40, "2" * 64)

    def upload(act) -> dict[str, str]:
        monkeypatch.setattr(huggingface_hub.HfApi, "preupload_lfs_files", lambda api, repo, **said: act(said))
        return upload_large(
            MODEL,
            [(entry, tmp_path / "big.bin")],
            endpoint="http://127.0.0.1:9",
            token="canary-token-without-a-shape",
            patience=Patience(Budget(), clock, lambda: 0.0, lambda seconds, why: None),
            on_bytes=lambda done: None,
            on_event=told.append,
        )

    return upload


def test_the_hash_that_is_known_is_not_made_again(upload) -> None:
    def act(said) -> None:
        (addition,) = said["additions"]
        assert (addition._upload_mode, addition.upload_info.is_hashed) == ("lfs", True)

    assert upload(act) == {"big.bin": "2" * 64}


def test_what_the_library_says_becomes_events_and_it_is_left_as_it_was(upload, told) -> None:
    logger = logging.getLogger("huggingface_hub")
    before = (huggingface_hub.utils._http._GLOBAL_CLIENT_FACTORY, list(logger.handlers))

    def act(said) -> None:
        assert huggingface_hub.utils._http._GLOBAL_CLIENT_FACTORY is not before[0]
        logging.getLogger("huggingface_hub.x").warning("spoken\nby %s", "logger")
        logging.getLogger("huggingface_hub.x").warning("PUT https://storage.test/x?Signature=s again")
        warnings.warn("for users", UserWarning, stacklevel=1)
        warnings.warn("for programmers", DeprecationWarning, stacklevel=1)

    upload(act)
    assert told == [
        Warned("spoken by logger"),
        Warned("PUT https://storage.test/... again"),
        Warned("for users"),
    ]
    assert (huggingface_hub.utils._http._GLOBAL_CLIENT_FACTORY, list(logger.handlers)) == before


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (GaveUp(Failure(429), "url", "it answered 429"), RateLimited),
        (httpx2.ConnectError("refused"), HubUnreachable),
        (RuntimeError("the storage is full"), UploadFailed),
    ],
)
def test_foreign_errors_become_ours(upload, error, kind) -> None:
    def act(said) -> None:
        raise error

    with pytest.raises(kind):
        upload(act)

import sys
from types import SimpleNamespace

import pytest
from huggingface_hub.utils import _xet_progress_reporting as reporting
from huggingface_hub.utils import are_progress_bars_disabled

from hfdeploy_core.hub.progress import report_bytes


@pytest.fixture(autouse=True)
def _bars_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["huggingface_hub.utils.tqdm"], "HF_HUB_DISABLE_PROGRESS_BARS", None)


def test_the_clients_reporter_is_ours_for_that_time() -> None:
    seen: list[int] = []
    original = reporting.XetUploadProgressReporter
    with report_bytes(seen.append):
        reporter = reporting.XetUploadProgressReporter()
        reporter.update_progress(SimpleNamespace(total_bytes_completed=7), {})
        reporter.close()
    assert seen == [7]
    assert reporting.XetUploadProgressReporter is original


def test_without_xet_the_clients_bars_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfdeploy_core.hub.progress.is_xet_available", lambda: False)
    with report_bytes(lambda done: None):
        assert are_progress_bars_disabled()
    assert not are_progress_bars_disabled()

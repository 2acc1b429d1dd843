"""Real apps behind the relay: `make test-apps`, in an environment of its own, for these are large."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

collect_ignore_glob = [] if os.environ.get("HFDEPLOY_TEST_APPS") else ["test_*.py"]


@pytest.fixture
def page() -> "Iterator[Page]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"], headless=True
        )
        yield browser.new_page()
        browser.close()

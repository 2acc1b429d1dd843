"""The local hub's pages in a browser, at a desktop's width and a phone's."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from playwright.sync_api import Page, expect, sync_playwright

from hfdeploy_localhub import LocalHub, User

APP = """import http.server, os
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Type", "text/html"); self.end_headers()
        self.wfile.write(b"<h1>it turns</h1>")
print("starting <b>", flush=True)
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), H).serve_forever()
"""
FILES = {
    "README.md": b"---\nsdk: docker\n---\n# Orbits\n<script>document.title = 'owned'</script>\n",
    "Dockerfile": b'FROM python:3.11\nCOPY . .\nCMD ["python", "app.py"]\n',
    "app.py": APP.encode(),
    "a/rather/long/path/with_a_file_whose_name_does_not_fit_on_any_phone_that_is_sold.txt": b"x" * 500,
}
TABS = (
    "",
    "/tree/main",
    "/blob/main/app.py",
    "/commits/main",
    "/commit/main",
    "/discussions",
    "/discussions/1",
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    with LocalHub(tmp_path / "hub", users=[User("alice")]) as running:
        yield running


@pytest.fixture(params=[1280, 390])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": request.param, "height": 844})
        page.faults = []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
        yield page
        assert page.faults == []  # type: ignore[attr-defined]
        browser.close()


def test_a_private_space_from_sign_in_to_pause(hub: LocalHub, page: Page) -> None:
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    api.create_repo("alice/orbits", repo_type="space", space_sdk="docker", private=True)
    api.add_space_secret("alice/orbits", "KEY", "very secret value")
    api.create_discussion("alice/orbits", title="It turns" * 20, repo_type="space", description="x" * 500)

    page.goto(hub.endpoint)
    expect(page.get_by_text("orbits")).to_have_count(0)
    page.get_by_role("link", name="Sign in", exact=True).first.click()
    page.get_by_label("Token").fill(hub.token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="orbits").click()
    expect(page.locator("[data-stage]").first).to_have_text("NO_APP_FILE")

    # The page follows what happens: nobody reloads it.
    added = [CommitOperationAdd(path, content) for path, content in FILES.items()]
    api.create_commit("alice/orbits", added, repo_type="space", commit_message="App")
    expect(page.locator("[data-stage]").first).to_have_text("RUNNING", timeout=60_000)
    expect(page.frame_locator("#app").get_by_role("heading")).to_have_text("it turns", timeout=10_000)
    run_log = page.get_by_role("log", name="Run log", include_hidden=True)
    expect(run_log).to_contain_text("starting <b>", timeout=10_000)
    page.reload()
    expect(page.get_by_text("Secret KEY")).to_be_visible()
    assert "very secret value" not in page.content()

    for tab in TABS:
        page.goto(f"{hub.endpoint}/spaces/alice/orbits{tab}")
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], f"{tab} is wider than the window"
        assert "owned" not in page.title()

    page.goto(f"{hub.endpoint}/spaces/alice/orbits")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-stage]").first).to_have_text("PAUSED")
    page.get_by_role("button", name="Wake up").click()
    expect(page.locator("[data-stage]").first).to_have_text("RUNNING", timeout=60_000)

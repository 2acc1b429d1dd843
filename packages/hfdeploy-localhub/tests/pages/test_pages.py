import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

Visit = Callable[..., httpx.Client]
APP = (
    "import http.server, os, json\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(200); self.end_headers()\n"
    "        seen = {'path': self.path, 'cookie': self.headers.get('Cookie')}\n"
    "        self.wfile.write(json.dumps(seen).encode())\n"
    "print('starting <b>', flush=True)\n"
    "http.server.HTTPServer(('0.0.0.0', int(os.environ['PORT'])), H).serve_forever()\n"
)


def text_of(page: httpx.Response) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.text).split())


PAGES = [
    "/",
    "/alice",
    "/alice/kepler",
    "/alice/kepler/tree/main",
    "/alice/kepler/tree/main/docs",
    "/alice/kepler/blob/main/config.json",
    "/alice/kepler/blob/main/page.html",
    "/alice/kepler/blob/main/sp%20ace/%C3%BC%23%3F.txt",
    "/alice/kepler/commits/main",
    "/alice/kepler/commit/main",
    "/alice/kepler/discussions",
    "/alice/kepler/discussions/1",
    "/-/sign-in",
    "/nobody/nothing",
]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_carries_a_script_of_others(path: str, visit: Visit, kepler: str) -> None:
    page = visit().get(path)
    assert page.status_code == (404 if "nobody" in path else 200)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert "<i>one" not in page.text
    assert "<b>bold" not in page.text


def test_what_is_here(visit: Visit, api: HfApi, kepler: str) -> None:
    api.create_repo("acme/planets", repo_type="dataset", private=True)
    assert "alice/ kepler" in text_of(visit().get("/"))
    assert "planets" not in visit().get("/").text
    assert "planets" not in visit("bob").get("/acme").text
    own = visit("alice")
    assert "dataset acme/ planets private" in text_of(own.get("/acme"))
    assert "kepler" not in own.get("/?type=dataset").text
    assert "Nothing here is called like that." in text_of(own.get("/?q=zzz"))
    assert own.get("/datasets").headers["Location"] == "/?type=dataset"


def test_long_lists_go_on_over_what_is_hidden(visit: Visit, api: HfApi) -> None:
    for number in range(64):
        api.create_repo(f"alice/r{number}", private=number % 2 == 1)
    visitor = visit()
    seen, path = list[str](), "/"
    while path:
        page = visitor.get(path)
        seen += re.findall(r"<b>(r\d+)</b>", page.text)
        (path,) = re.findall(r'href="([^"]*)">Older ones', page.text) or [""]
        path = path.replace("&amp;", "&")
    assert seen == [f"r{number}" for number in reversed(range(0, 64, 2))]


def test_a_card_is_rendered_and_its_links_lead_into_the_repo(visit: Visit, kepler: str) -> None:
    page = visit().get(kepler)
    assert "license:mit" in page.text
    assert "<h1>Kepler &lt;script&gt;" in page.text
    assert 'href="/alice/kepler/blob/main/docs/use.md"' in page.text
    assert 'src="/alice/kepler/file/main/images/dot.png"' in page.text
    assert "license: mit" not in page.text


def test_files_history_and_a_commit(visit: Visit, kepler: str) -> None:
    visitor = visit()
    files = text_of(visitor.get(f"{kepler}/tree/main"))
    assert "docs All of it" in files
    assert "config.json 3 B Change &lt;i&gt;one&lt;/i&gt;" in files
    assert files.index("docs") < files.index("README.md")
    assert "hello" in visitor.get(f"{kepler}/blob/main/sp%20ace/%C3%BC%23%3F.txt").text
    history = text_of(visitor.get(f"{kepler}/commits/main"))
    assert history.index("Change") < history.index("All of it") < history.index("initial commit")
    commit = text_of(visitor.get(f"{kepler}/commit/main"))
    assert "M config.json" in commit
    assert "+{}" in commit
    listed = visitor.get(f"{kepler}/commits/main").text
    (first,) = re.findall(r'href="(/alice/kepler/commit/\w+)">initial', listed)
    assert "A .gitattributes" in text_of(visitor.get(first))


@pytest.mark.parametrize(
    ("name", "type", "is_download"),
    [
        ("page.html", "application/octet-stream", True),
        ("pic.svg", "image/svg+xml", False),
        ("README.md", "application/octet-stream", True),
    ],
)
def test_files_are_never_pages_of_this_origin(
    name: str, type: str, is_download: bool, visit: Visit, kepler: str
) -> None:
    answer = visit().get(f"{kepler}/file/main/{name}")
    assert answer.headers["Content-Type"] == type
    assert ("Content-Disposition" in answer.headers) is is_download
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_bucket_shows_its_files(visit: Visit, api: HfApi) -> None:
    api.create_bucket("alice/store", private=True)
    api.batch_bucket_files("alice/store", add=[(b"hello", "logs/a b.txt"), (b"<script>", "page.html")])
    assert "bucket alice/ store private" in text_of(visit("alice").get("/"))
    assert visit("bob").get("/buckets/alice/store").status_code == 404
    owner = visit("alice")
    root = text_of(owner.get("/buckets/alice/store"))
    assert "2 files, 13 B" in root
    assert "logs just now page.html 8 B" in root
    assert "a b.txt 5 B" in text_of(owner.get("/buckets/alice/store/tree/logs"))
    assert owner.get("/buckets/alice/store/file/logs/a%20b.txt").text == "hello"
    assert owner.get("/buckets/alice/store/file/nope").status_code == 404


def test_a_moved_repo_is_found_by_its_old_name(visit: Visit, api: HfApi, kepler: str) -> None:
    api.move_repo("alice/kepler", "acme/kepler")
    answer = visit().get(f"{kepler}/tree/main")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/acme/kepler/tree/main")


def test_what_is_private_looks_as_if_it_were_not_there(visit: Visit, api: HfApi) -> None:
    api.create_repo("alice/secret", private=True)
    for path in ("", "/tree/main", "/blob/main/.gitattributes", "/file/main/.gitattributes", "/commits/main"):
        hidden, missing = (visit("bob").get(f"/alice/{name}{path}") for name in ("secret", "nothing"))
        assert (hidden.status_code, hidden.text) == (404, missing.text)
        assert visit("alice").get(f"/alice/secret{path}").status_code == 200


def test_a_gated_repo_shows_its_card_and_no_file(visit: Visit, api: HfApi, kepler: str) -> None:
    api.update_repo_settings("alice/kepler", gated="manual")
    assert visit("bob").get(kepler).status_code == 200
    for path in ("blob/main/config.json", "file/main/config.json", "commit/main"):
        assert visit("bob").get(f"{kepler}/{path}").status_code == 403
        assert visit("alice").get(f"{kepler}/{path}").status_code == 200


@pytest.mark.parametrize(
    "path", ["tree/nope", "blob/main/nope", "tree/main/config.json", "commit/nope", "file/main/docs", "other"]
)
def test_what_is_missing_is_a_page_for_people_and_json_for_others(
    path: str, visit: Visit, kepler: str
) -> None:
    page = visit().get(f"{kepler}/{path}")
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    answer = visit().get(f"{kepler}/{path}", headers={"Accept": "*/*"})
    assert answer.status_code == 404
    assert answer.json()["error"]


@pytest.mark.parametrize("token", ["", "hf_wrong", "x" * 20_000])
def test_a_wrong_token_opens_nothing(token: str, visit: Visit, hub: LocalHub) -> None:
    visitor = visit()
    answer = visitor.post("/-/sign-in", data={"token": token}, headers={"Origin": hub.endpoint})
    assert answer.status_code == (413 if len(token) > 10_000 else 401)
    assert not visitor.cookies
    assert token not in answer.text or not token


def test_a_session_is_for_pages_alone_and_holds_no_token(visit: Visit, hub: LocalHub, api: HfApi) -> None:
    visitor = visit("alice")
    (cookie,) = visitor.cookies.jar
    assert hub.tokens["alice"] not in str(cookie.value)
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert "alice" in text_of(visitor.get("/"))
    assert visitor.get("/api/whoami-v2").status_code == 401
    assert visitor.post("/api/repos/create", json={"name": "m"}).status_code == 401
    visitor.post("/-/sign-out", headers={"Origin": hub.endpoint})
    assert "Sign in" in text_of(visitor.get("/"))


@pytest.mark.parametrize("origin", [{}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}])
def test_forms_from_elsewhere_do_nothing(
    origin: dict[str, str], visit: Visit, hub: LocalHub, api: HfApi
) -> None:
    api.create_repo("alice/app", repo_type="space", space_sdk="static")
    visitor = visit("alice")
    for path in ("/spaces/alice/app/pause", "/-/sign-out", "/-/sign-in"):
        answer = visitor.post(path, data={"token": hub.tokens["bob"]}, headers=origin)
        assert answer.status_code == 403
    assert "alice" in text_of(visitor.get("/"))
    assert api.get_space_runtime("alice/app").stage != "PAUSED"


def test_the_address_of_a_pull_request_shows_it(visit: Visit, hub: LocalHub, api: HfApi, kepler: str) -> None:
    said = text_of(visit().get(f"{kepler}/discussions/1"))
    assert "Why <i>one</i>? #1 open".replace("<", "&lt;").replace(">", "&gt;") in said
    assert 'href="/alice/kepler/blob/main/docs/use.md"' in visit().get(f"{kepler}/discussions/1").text
    made = api.upload_file(
        path_or_fileobj=b"2", path_in_repo="new", repo_id="alice/kepler", create_pr=True, commit_message="New"
    )
    page = visit().get(made.pr_url.removeprefix(hub.endpoint))
    assert "New #2 open" in text_of(page)
    (files,) = re.findall(r'href="([^"]*)">Files of this', page.text)
    assert "new" in text_of(visit().get(files))
    assert f'href="/alice/kepler/commit/{made.oid}"' in page.text
    api.comment_discussion("alice/kepler", 2, "**fine**")
    api.rename_discussion("alice/kepler", 2, "Newer")
    api.merge_pull_request("alice/kepler", 2)
    page = visit().get(f"{kepler}/discussions/2")
    assert "<strong>fine</strong>" in page.text
    assert "called it Newer" in text_of(page)
    assert "set it to merged" in text_of(page)
    assert re.findall(r"discussions/(\d)\"", visit().get(f"{kepler}/discussions").text) == ["2", "1"]
    assert visit().get(f"{kepler}/discussions/3").status_code == 404
    api.update_repo_settings("alice/kepler", visibility="private")
    assert visit("bob").get(f"{kepler}/discussions/2").status_code == 404


@pytest.fixture
def orbits(api: HfApi, tmp_path: Path) -> str:
    """A private Space that runs."""
    source = tmp_path / "app"
    source.mkdir()
    (source / "README.md").write_text("---\nsdk: docker\n---\n")
    (source / "Dockerfile").write_text('FROM python:3.11\nCOPY . .\nCMD ["python", "app.py"]\n')
    (source / "app.py").write_text(APP)
    api.create_repo("alice/orbits", repo_type="space", space_sdk="docker", private=True)
    api.add_space_secret("alice/orbits", "KEY", "very secret value")
    api.add_space_variable("alice/orbits", "GREETING", "hello <b>")
    api.upload_folder(folder_path=source, repo_id="alice/orbits", repo_type="space")
    deadline = time.monotonic() + 60
    while api.get_space_runtime("alice/orbits").stage != "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.05)
    return "/spaces/alice/orbits"


def test_a_spaces_page_shows_its_app_its_logs_and_its_settings(
    visit: Visit, hub: LocalHub, orbits: str, api: HfApi
) -> None:
    owner = visit("alice")
    page = owner.get(orbits)
    assert "RUNNING" in page.text
    assert "hello &lt;b&gt;" in page.text
    assert "Secret KEY set" in text_of(page)
    assert "very secret value" not in page.text
    (address,) = re.findall(r'<iframe id="app" src="([^"]*)"', page.text)
    assert f"frame-src {address.partition('/?')[0]}" in page.headers["Content-Security-Policy"]

    # The frame's address lets this browser in, and leaves nothing of that behind for the app.
    entrance = owner.get(address)
    assert (entrance.status_code, entrance.headers["Location"]) == (303, "/")
    assert "__sign" not in entrance.headers["Location"]
    seen = owner.get(address.partition("?")[0] + "?a=1", headers={"Cookie": _cookies(owner, "own=1")}).json()
    assert seen == {"path": "/?a=1", "cookie": "own=1"}
    assert httpx.get(address.partition("?")[0]).status_code == 404
    assert httpx.get(address[:-3] + "xxx").status_code == 404

    assert owner.get(f"{orbits}/stage").json() == {
        "stage": "RUNNING",
        "sha": api.space_info("alice/orbits").sha,
    }
    with owner.stream("GET", f"{orbits}/logs/run") as events:
        for line in events.iter_lines():
            if line.startswith("data: ") and "starting" in json.loads(line[6:])["data"]:
                break
        else:
            pytest.fail("the log does not tell what the app said")

    paused = owner.post(f"{orbits}/pause", headers={"Origin": hub.endpoint})
    assert (paused.status_code, paused.headers["Location"]) == (303, orbits)
    assert "PAUSED" in owner.get(orbits).text
    owner.post(f"{orbits}/restart", headers={"Origin": hub.endpoint})
    assert "PAUSED" not in owner.get(orbits).text


def test_a_visit_opens_one_space(visit: Visit, api: HfApi, orbits: str) -> None:
    api.create_repo("alice/other", repo_type="space", space_sdk="static", private=True)
    (address,) = re.findall(r'<iframe id="app" src="([^"]*)"', visit("alice").get(orbits).text)
    word = address.partition("__sign=")[2]
    other = api.space_info("alice/other").host
    assert httpx.get(f"{other}/?__sign={word}").status_code == 404


def test_others_see_a_public_space_but_not_its_logs_or_settings(
    visit: Visit, hub: LocalHub, api: HfApi, orbits: str
) -> None:
    api.update_repo_settings("alice/orbits", repo_type="space", visibility="public")
    page = visit("bob").get(orbits)
    assert page.status_code == 200
    assert "GREETING" not in page.text
    assert "Restart" not in page.text
    assert "__sign" not in page.text
    assert visit("bob").get(f"{orbits}/logs/run").status_code == 404
    refused = visit("bob").post(f"{orbits}/pause", headers={"Origin": hub.endpoint})
    assert refused.status_code == 403
    assert api.get_space_runtime("alice/orbits").stage == "RUNNING"


def _cookies(client: httpx.Client, *others: str) -> str:
    return "; ".join([f"{name}={value}" for name, value in client.cookies.items()] + list(others))

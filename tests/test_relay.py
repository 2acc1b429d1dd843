"""The relay before a private Space of the local hub: callers need no token, and never see the relay's."""

import asyncio
from pathlib import Path

import httpx
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub
from hfdeploy_proxy import create_app
from hfdeploy_proxy.settings import load_settings


def make_space(api: HfApi, name: str) -> None:
    api.create_repo(name, repo_type="space", space_sdk="static", private=True)
    api.upload_file(
        path_or_fileobj=b"<h1>hello</h1>", path_in_repo="index.html", repo_id=name, repo_type="space"
    )


async def ask(app: object, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://relay.test") as client:
        return await client.get(path, headers=headers)


def test_a_private_space_is_found_and_opened(hub: LocalHub, api: HfApi, canary: str, tmp_path: Path) -> None:
    make_space(api, "alice/page")
    settings = {"target_space": "alice/page", "hf_endpoint": hub.endpoint}

    async def visit() -> httpx.Response:
        app = create_app(load_settings(**settings))
        try:
            for _ in range(100):
                found = await ask(app, "/")
                if found.status_code == 200:
                    break
                await asyncio.sleep(0.05)
            return found
        finally:
            await app.close()

    found = asyncio.run(visit())
    assert (found.status_code, found.text) == (200, "<h1>hello</h1>")
    assert canary not in str(found.headers)
    api.move_repo("alice/page", "alice/moved", repo_type="space")
    assert asyncio.run(visit()).status_code == 200

    async def visit_missing() -> httpx.Response:
        return await ask(create_app(load_settings(**{**settings, "target_space": "alice/none"})), "/")

    missing = asyncio.run(visit_missing())
    assert missing.status_code == 503
    assert missing.json()["type"].endswith("/target-unknown")


def test_a_space_that_does_not_run_is_explained_and_waited_for(
    hub: LocalHub, api: HfApi, canary: str
) -> None:
    make_space(api, "alice/page")
    api.pause_space("alice/page")

    async def visit() -> list[httpx.Response]:
        settings = {"target_space": "alice/page", "hf_endpoint": hub.endpoint}
        app, patient = (
            create_app(load_settings(**settings)),
            create_app(load_settings(**settings, wait_seconds=30)),
        )
        try:
            told = [await ask(app, "/"), await ask(app, "/", accept="text/html")]
            told.append(await ask(app, "/", accept="text/html", origin="http://other.test"))
            waiting = asyncio.create_task(ask(patient, "/"))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await asyncio.to_thread(api.restart_space, "alice/page")
            return [*told, await waiting]
        finally:
            await app.close()
            await patient.close()

    problem, page, refused, served = asyncio.run(visit())
    assert (problem.status_code, problem.headers["retry-after"]) == (503, "60")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["type"].endswith("/space-paused")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert 'http-equiv="refresh"' in page.text
    assert refused.json()["type"].endswith("/origin-refused")
    assert (served.status_code, served.text) == (200, "<h1>hello</h1>")

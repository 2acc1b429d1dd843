import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from hfdeploy_localhub import User
from hfdeploy_localhub.cli import _clear_ready_file, app, parse_user

COMMAND = Path(sys.executable).parent / "hfdeploy-localhub"


@contextmanager
def serve(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    ready = folder / "ready.json"
    command = [COMMAND, "serve", "--data", folder / "data", "--port=0", "--ready-file", ready, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        while not ready.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        yield process, json.loads(ready.read_text())
    finally:
        process.kill()
        process.communicate()


def whoami(endpoint: str, token: str) -> dict[str, Any]:
    answer = httpx.get(f"{endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"})
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("alice", User("alice")),
        ("alice:", User("alice")),
        ("alice:hf_x", User("alice", "hf_x")),
        ("alice:hf_x:acme,corp", User("alice", "hf_x", ("acme", "corp"))),
        ("alice::acme", User("alice", None, ("acme",))),
    ],
)
def test_users_as_they_are_written(text: str, user: User) -> None:
    assert parse_user(text) == user


@pytest.mark.parametrize("text", ["", ":", "a b", "alice:t:a b", "datasets"])
def test_users_that_cannot_be(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_user(text)


def test_a_token_stays_out_of_the_repr() -> None:
    assert "hf_x" not in repr(User("alice", "hf_x"))


def test_ready_file_and_print_tell_endpoint_and_tokens(tmp_path: Path) -> None:
    with serve(tmp_path, "--user", "alice::acme", "--user", "bob:hf_bobs_own") as (process, told):
        assert stat.S_IMODE((tmp_path / "ready.json").stat().st_mode) == 0o600
        tokens = {user["name"]: user["token"] for user in told["users"]}
        assert tokens["bob"] == "hf_bobs_own"
        assert whoami(told["endpoint"], tokens["alice"])["orgs"][0]["name"] == "acme"
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
    for text in (told["endpoint"], *tokens, *tokens.values()):
        assert text in printed


def test_the_default_user_keeps_his_token_over_restarts(tmp_path: Path) -> None:
    tokens = set()
    for _ in range(2):
        with serve(tmp_path) as (_, told):
            assert whoami(told["endpoint"], told["users"][0]["token"])["name"] == "local"
            tokens.add(told["users"][0]["token"])
        (tmp_path / "ready.json").unlink()
    assert len(tokens) == 1


def fails(*arguments: str | Path) -> str:
    done = subprocess.run([COMMAND, "serve", *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("words", [["-h"], ["serve", "-h"], ["serve", "--help"]])
def test_help_is_asked_for_as_of_the_other_commands(words: list[str]) -> None:
    told = CliRunner().invoke(app, words)
    assert (told.exit_code, "Usage:" in told.output) == (0, True)


def test_failures_are_one_sentence_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "Choose another with --data" in fails("--port=0", "--data", tmp_path / "file")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "Choose another --port" in fails("--port", port, "--data", tmp_path / "d")
    with serve(tmp_path):
        assert "another hub uses it" in fails("--port=0", "--data", tmp_path / "data")
    assert "Look at --host" in fails("--port=0", "--host", "192.0.2.1")
    assert "cannot be an account's name" in fails("--user", "a b")
    (tmp_path / "hub.sqlite").write_text("no database")
    assert "hub.sqlite: file is not a database. Choose" in fails("--port=0", "--data", tmp_path)
    twice = ("--user", "x:hf_same", "--user", "y:hf_same")
    assert "A token of 'x' is there again" in fails("--port=0", "--data", tmp_path / "f", *twice)
    assert "already the name of a user" in fails("--port=0", "--data", tmp_path / "e", "--user", "x::x")


def test_a_ready_file_is_of_this_hub(tmp_path: Path) -> None:
    with pytest.raises(typer.Exit):
        _clear_ready_file(tmp_path)
    with pytest.raises(typer.Exit):
        _clear_ready_file(tmp_path / "no" / "ready.json")
    old = tmp_path / "ready.json"
    old.write_text("of an earlier one")
    _clear_ready_file(old)
    assert not old.exists()


def test_an_interrupt_ends_it_quietly(tmp_path: Path) -> None:
    with serve(tmp_path) as (process, _):
        os.kill(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=20)
    assert "Traceback" not in printed


def test_faults_are_rules_of_the_command_line(tmp_path: Path) -> None:
    with serve(tmp_path, "--fault", "GET /api/models status=503 count=1") as (_, told):
        asked = [httpx.get(f"{told['endpoint']}/api/models").status_code for _ in range(2)]
    assert asked == [503, 200]
    assert "from 400 to 599" in fails("--fault", "GET /x status=1")

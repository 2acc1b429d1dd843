import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.api.http_backend import (
    Call,
    Head,
    find_backend,
    install_hook,
    parse_head,
    plan_environment,
)
from hfdeploy_localhub.errors import Unavailable
from hfdeploy_localhub.store import pre_receive


def call(**headers: str) -> Call:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(Path("/r.git"), "POST", "/git-upload-pack", "", named, False, Path("/hooks"))


def test_the_child_knows_nothing_but_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HUB", "s3cret")
    environment = plan_environment(call(authorization="Bearer s3cret", content_encoding="gzip"))
    assert not any("s3cret" in value for value in environment.values())
    assert environment["GIT_PROJECT_ROOT"] == "/r.git"
    assert environment["HTTP_CONTENT_ENCODING"] == "gzip"
    assert "HOME" not in environment
    assert all(environment.values())


def test_pushing_is_for_those_who_may() -> None:
    def setting(call: Call, name: str) -> str:
        environment = plan_environment(call)
        keys = {value: key for key, value in environment.items() if key.startswith("GIT_CONFIG_KEY_")}
        return environment[keys[name].replace("KEY", "VALUE")]

    assert setting(call(), "http.receivepack") == "false"
    pushing = Call(Path("/r.git"), "POST", "/git-receive-pack", "", {}, True, Path("/hooks"))
    assert setting(pushing, "http.receivepack") == "true"
    assert setting(pushing, "core.hooksPath") == "/hooks"


@given(st.text())
def test_a_protocol_version_is_words_only(version: str) -> None:
    kept = plan_environment(call(git_protocol=version)).get("HTTP_GIT_PROTOCOL", "")
    assert kept in (version, "")
    assert not set(kept) & set(" \n\0;$`'\"/")


def test_heads_of_answers() -> None:
    told = b"Status: 403 Forbidden\r\nContent-Type: text/plain\r\nExpires: now: or never"
    assert parse_head(told) == Head(403, ((b"content-type", b"text/plain"), (b"expires", b"now: or never")))
    assert parse_head(b"Content-Type: x").status == 200


def test_git_that_is_not_there_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    find_backend.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="install git"):
        find_backend()
    monkeypatch.undo()
    assert os.access(find_backend(), os.X_OK)


def test_the_hook_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    hook = install_hook(tmp_path / "hooks") / "pre-receive"
    made = hook.stat()
    assert made.st_mode & 0o777 == 0o700
    install_hook(tmp_path / "hooks")
    assert hook.stat().st_ino == made.st_ino
    hook.write_text("#!/bin/sh\nexit 0\n")
    install_hook(tmp_path / "hooks")
    assert "exec" in hook.read_text()
    assert [path.name for path in hook.parent.iterdir()] == ["pre-receive"]


def run_hook(gate: str | None, **options: object) -> subprocess.CompletedProcess[bytes]:
    environment = {"HFDEPLOY_GATE": gate} if gate else {}
    command = [sys.executable, "-I", "-S", pre_receive.__file__]
    return subprocess.run(command, input=b"x", env=environment, capture_output=True, timeout=20, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    ("verdict", "code", "said"),
    [
        (b"accept\n", 0, b""),
        (b"refuse\nToo large.\n", 1, b"Too large.\n"),
        (b"", 1, b"gave no answer"),
        (b"acceptable\n", 1, b"gave no answer"),
    ],
)
def test_the_hook_does_as_it_is_told(verdict: bytes, code: int, said: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(verdict)
        ours.shutdown(socket.SHUT_WR)
        done = run_hook(str(theirs.fileno()), pass_fds=[theirs.fileno()])
        assert done.returncode == code
        assert said in done.stderr
        assert ours.recv(100) == (2).to_bytes(8, "big") + b"\nx"


@pytest.mark.parametrize("gate", [None, "no number", "99"])
def test_a_hook_without_a_hub_lets_nothing_through(gate: str | None) -> None:
    assert run_hook(gate).returncode == 1

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from hfdeploy_proxy.cli import main, serve
from hfdeploy_proxy.rules import errors
from hfdeploy_proxy.rules.guard import digest_key, parse_key
from hfdeploy_proxy.settings import Settings, load_settings

from .conftest import Upstream

BIN = Path(sys.executable).parent


def test_faults_of_the_settings_end_it() -> None:
    done = CliRunner().invoke(main, ["serve", "--trusted-hops", "many", "--auth-mode", "none"])
    assert done.exit_code == 78
    assert all(name in done.output for name in ("TARGET_SPACE", "TRUSTED_HOPS", "AUTH_MODE"))


def test_every_setting_but_the_token_is_a_flag_and_every_one_is_documented() -> None:
    shown = CliRunner().invoke(main, ["serve", "--help"]).output
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for name in Settings.model_fields:
        assert (f"--{name.replace('_', '-')} " in shown) == (name not in ("hf_token", "rate_limit_storage"))
        assert f"`{name.upper()}`" in readme


@pytest.mark.parametrize(("said", "meant"), [(["--docs"], True), (["--docs", "false"], False), ([], False)])
def test_a_switch_needs_no_value(said: list[str], meant: bool) -> None:
    given = serve.make_context("serve", [*said, "--metrics", "--workers", "2"]).params
    settings = load_settings(
        target_url="http://a", **{name: given[name] for name in ("docs", "metrics") if given[name]}
    )
    assert (settings.docs, settings.metrics, given["workers"]) == (meant, True, "2")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ([BIN / "hfdeploy-proxy"], signal.SIGTERM),
        ([sys.executable, "-m", "hfdeploy_proxy"], signal.SIGINT),
    ],
)
def test_it_serves_until_it_is_told_to_stop(
    command: list[str | Path], told: signal.Signals, upstream: Upstream
) -> None:
    settings = {**os.environ, "TARGET_URL": f"http://127.0.0.1:{upstream.port}", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "serve", "--port", "0"],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout
            (address,) = re.findall(r"listens on (http://127.0.0.1:\d+)", process.stdout.readline())
            with urllib.request.urlopen(f"{address}/path") as answer:
                assert answer.read() == b"ok"
            process.send_signal(told)
            rest = process.communicate(timeout=10)[0]
        finally:
            process.kill()
    assert (rest, process.returncode) == ("", 0)


def test_a_taken_port_is_told(upstream: Upstream) -> None:
    done = CliRunner().invoke(
        main, ["serve", "--target-url", "http://127.0.0.1:9", "--port", str(upstream.port)]
    )
    assert done.exit_code == 1
    assert "Choose another --host or --port" in done.output


def test_a_key_is_printed_once_and_kept_as_a_hash() -> None:
    shown = CliRunner().invoke(main, ["key", "alice"]).output
    made, line = re.findall(r"^(?:key|API_KEYS) +(\S+)$", shown, re.MULTILINE)
    settings = load_settings(target_url="http://a", api_keys=line)
    (known,) = (parse_key(text) for text in settings.api_keys)
    assert known == ("alice", digest_key(made.encode()))
    assert made not in line
    assert CliRunner().invoke(main, ["key", "a b"]).exit_code == 2


def test_every_problem_is_documented() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    known = [found for found in vars(errors).values() if isinstance(found, errors.Problem)]
    known += [
        found.problem
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, errors.UpstreamError) and hasattr(found, "problem")
    ]
    assert len(known) > 25
    for problem in known:
        (row,) = (
            line for line in readme.splitlines() if line.startswith("|") and f"`{problem.name}`" in line
        )
        assert row.startswith(f"| {problem.status} |")

"""The schedule, with real threads and servers; and the command as a process."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.triggers.interval import IntervalTrigger
from click.testing import CliRunner
from huggingface_hub import HfApi

from hfdeploy_core.clock import SystemClock
from hfdeploy_core.errors import TokenRejected
from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.cli import app
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.model import Plan, Report
from hfdeploy_janitor.rules import Policy
from hfdeploy_janitor.schedule import Routine, find_interval_seconds, make_trigger, serve, sweeping
from hfdeploy_janitor.testing import FakeHub
from hfdeploy_localhub import LocalHub

from .conftest import Past

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
REPORT = Report(Plan("", NOW, Policy(()), ()))


def routine(
    job: Callable[[], Report], said: list[str] | None = None, heartbeat: str | None = None
) -> Routine:
    clock = SystemClock()
    say = (said if said is not None else []).append
    return Routine(
        job, FakeHub(FakeClock()), clock, 1.0, on_report=lambda report: None, say=say, heartbeat=heartbeat
    )


def test_turns_come_by_the_hour_and_by_the_crontab() -> None:
    hourly = make_trigger(3600.0, None, 0)
    assert find_interval_seconds(hourly, NOW) == 3600
    cron = make_trigger(None, "0 6 * * *", 0)
    assert cron.get_next_fire_time(None, NOW) == datetime(2026, 1, 2, 6, tzinfo=UTC)
    assert find_interval_seconds(cron, NOW) == 86400
    assert find_interval_seconds(make_trigger(None, "0 0 * * mon", 0), NOW) == 7 * 86400


@pytest.mark.parametrize(
    ("cron", "days"),
    [
        ("0 3 * * 0", "Sun Sun"),
        ("0 3 * * 7", "Sun Sun"),
        ("0 3 * * 1-5", "Fri Mon Tue Wed Thu Fri"),
        ("0 3 * * 5-7", "Fri Sat Sun Fri"),
        ("0 3 * * */3", "Sat Sun Wed Sat"),
        ("0 3 * * sat,Sun,2", "Sat Sun Tue Sat"),
        ("0 3 3 * fri", "Fri Sat Fri"),
        ("0 3 */2 * fri", "Fri Fri"),
    ],
)
def test_days_are_those_of_a_crontab(cron: str, days: str) -> None:
    """Weeks begin on Sunday; with a day of the month and one of the week, either will do."""
    trigger = make_trigger(None, cron, 0)
    moment, found = NOW, list[str]()
    for _ in days.split():
        following = trigger.get_next_fire_time(None, moment)
        assert following is not None
        found.append(f"{following:%a}")
        moment = following + timedelta(minutes=1)
    assert " ".join(found) == days


def test_jitter_moves_turns() -> None:
    trigger = make_trigger(3600.0, None, 600)
    times = {trigger.get_next_fire_time(NOW, NOW) for _ in range(10)}
    assert len(times) > 1
    assert all(abs(found - NOW - timedelta(hours=1)) <= timedelta(minutes=10) for found in times if found)


@pytest.mark.parametrize(
    ("every", "cron"),
    [
        (None, None),
        (60.0, "* * * * *"),
        (0.5, None),
        *((None, cron) for cron in ("hourly", "99 * * * *", "0 3 * * 8", "0 3 * * 5-1", "0 3 * * */x")),
    ],
)
def test_what_is_no_schedule_is_refused(every: float | None, cron: str | None) -> None:
    with pytest.raises(RuleInvalid):
        make_trigger(every, cron, 0)


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(RuleInvalid, match="never comes"):
        find_interval_seconds(make_trigger(None, "0 0 31 2 *", 0), NOW)


def test_a_turn_that_fails_is_told_and_survived() -> None:
    outcomes: list[Exception | None] = [
        TokenRejected("Who are you?"),
        ValueError("odd hf_abcdefghijklmno"),
        None,
    ]
    said: list[str] = []

    def job() -> Report:
        if error := outcomes.pop(0):
            raise error
        return REPORT

    under_test = routine(job, said)
    for _ in range(3):
        under_test.turn()
    assert said[0].startswith("TokenRejected: Who are you?")
    assert "ValueError: odd [redacted]" in said[1]
    status, metrics = under_test.tell("/metrics")
    assert status == 200
    for code in (31, 1, 0):
        assert f'sweeps_total{{exit_code="{code}"}} 1' in metrics
    assert under_test.tell("/healthz") == (200, "ok\n")
    assert under_test.tell("/")[0] == 404


def test_turns_never_overlap_and_the_last_one_is_waited_for() -> None:
    running, most, ended = 0, 0, 0
    second = threading.Event()

    def job() -> Report:
        nonlocal running, most, ended
        running += 1
        most = max(most, running)
        if ended:
            second.set()
        time.sleep(0.15)
        running -= 1
        ended += 1
        return REPORT

    often = IntervalTrigger(seconds=0.1, timezone=UTC)
    with sweeping(routine(job), often, at_once=True, listen=None):
        assert second.wait(10)
    assert (most, running) == (1, 0)
    assert ended >= 2


def test_health_is_served() -> None:
    server = serve(routine(lambda: REPORT), "127.0.0.1:0")
    address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with urllib.request.urlopen(f"{address}/healthz?x") as answer:
            assert answer.read() == b"ok\n"
        with pytest.raises(urllib.error.HTTPError, match="404"), urllib.request.urlopen(address):
            pass
        with pytest.raises(RuleInvalid, match="Cannot listen"):
            serve(routine(lambda: REPORT), f"127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
    for place in ("nonsense", "127.0.0.1:", "127.0.0.1:99999"):
        with pytest.raises(RuleInvalid, match="names no port"):
            serve(routine(lambda: REPORT), place)


def test_a_heartbeat_beats_only_after_a_good_sweep(tmp_path: Path) -> None:
    file = tmp_path / "beat"
    bad = Report(Plan("", NOW, Policy(()), (), incomplete=("models",)))
    routine(lambda: bad, heartbeat=str(file)).turn()
    assert not file.exists()
    routine(lambda: REPORT, heartbeat=str(file)).turn()
    assert datetime.fromisoformat(file.read_text().strip()).tzinfo is UTC


def test_a_sweep_that_cannot_be_told_of_is_still_one_good_sweep(tmp_path: Path) -> None:
    said: list[str] = []
    under_test = routine(lambda: REPORT, said, heartbeat=str(tmp_path))
    under_test.turn()
    assert "heartbeat" in said[0]
    metrics = under_test.tell("/metrics")[1]
    assert [line for line in metrics.splitlines() if line.startswith("hfdeploy_janitor_sweeps_total")] == [
        'hfdeploy_janitor_sweeps_total{exit_code="0"} 1'
    ]


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    assert condition()


@pytest.fixture
def command(local: LocalHub, tmp_path: Path) -> list[str]:
    rule = ["--namespace", "alice", "--prefix", "test-", "--ttl", "6h", "--type", "model"]
    program = [sys.executable, "-m", "hfdeploy_janitor.cli"]
    return [*program, "{}", *rule, "--apply", "--state", str(tmp_path / "state")]


@pytest.fixture
def olds(api: HfApi, past: Past) -> list[str]:
    past.ahead = timedelta(hours=-7)
    for number in range(3):
        api.create_repo(f"alice/test-{number}")
    past.ahead = timedelta()
    return [info.id for info in api.list_models(author="alice")]


def start(command: list[str], verb: str, *options: str) -> "subprocess.Popen[str]":
    filled = [word.replace("{}", verb) for word in command]
    return subprocess.Popen(
        [*filled, *options], env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.usefixtures("olds")
def test_sigterm_brings_the_current_deletion_to_its_end(
    command: list[str], local: LocalHub, api: HfApi, tmp_path: Path
) -> None:
    local.faults.add("DELETE ** latency_seconds=0.7")
    beaten = tmp_path / "beat"
    process = start(command, "run", "--every", "1h", "--heartbeat", str(beaten))
    wait_for(lambda: local.requests.count("DELETE"))
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "1 deleted, 2 postponed." in out
    assert "It was told to stop." in out
    assert len(list(api.list_models(author="alice"))) == 2
    assert not beaten.exists()


@pytest.mark.usefixtures("olds")
def test_a_sweep_that_is_killed_is_finished_by_the_next(
    command: list[str], local: LocalHub, api: HfApi, tmp_path: Path
) -> None:
    local.faults.add("DELETE ** latency_seconds=0.5 skip=1")
    process = start(command, "sweep")
    wait_for(lambda: local.requests.count("DELETE") == 2)
    process.kill()
    process.communicate(timeout=30)
    local.faults.clear()
    journal = tmp_path / "state/janitor.jsonl"
    assert journal.read_text().count('"intent"') == 2
    out, err = start(command, "sweep").communicate(timeout=30)
    assert re.search(r"\d deleted", out), err
    assert list(api.list_models(author="alice")) == []
    assert journal.read_text().count('"event": "deleted"') == 3


def test_a_schedule_that_makes_no_sense_is_told_at_once(command: list[str], local: LocalHub) -> None:
    arguments = [word.replace("{}", "run") for word in command[command.index("{}") :]]
    done = CliRunner().invoke(app, [*arguments, "--every", "1h", "--cron", "* * * * *"])
    assert done.exit_code == 70
    assert "either --every or --cron" in done.stderr
    assert local.requests.count() == 0

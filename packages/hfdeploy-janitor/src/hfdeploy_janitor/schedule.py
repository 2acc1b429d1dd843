"""Sweeping again and again: on time, one sweep at a time, whatever becomes of the one before."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from hfdeploy_core import DeployError, redact
from hfdeploy_core.clock import Clock
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.health import Health, add_failure, add_report, find_illness, render_metrics
from hfdeploy_janitor.heartbeat import beat
from hfdeploy_janitor.model import Report
from hfdeploy_janitor.port import Hub

_TURNS_LOOKED_AT = 50
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# 7 is Sunday once more.
_WEEKDAYS = {name: day for day, name in enumerate(_DAYS)} | {str(day): day for day in range(8)}

Say = Callable[[str], None]


class Routine:
    """One job, done at every turn; what it tells of itself can be asked at any time."""

    def __init__(
        self,
        job: Callable[[], Report],
        hub: Hub,
        clock: Clock,
        interval_seconds: float,
        *,
        on_report: Callable[[Report], None],
        say: Say,
        heartbeat: str | None = None,
    ) -> None:
        self._job = job
        self._hub = hub
        self._clock = clock
        self._on_report = on_report
        self._say = say
        self._heartbeat = heartbeat
        self._health = Health(clock.now(), interval_seconds)

    def turn(self) -> None:
        """One sweep. Whatever it raises is told, counted and survived."""
        begun_seconds = self._clock.seconds()
        try:
            report = self._job()
        except Exception as error:
            exit_code = self._tell_failure(error)
            now, lasted_seconds = self._clock.now(), self._clock.seconds() - begun_seconds
            self._health = add_failure(self._health, exit_code, now, lasted_seconds)
            return
        now, lasted_seconds = self._clock.now(), self._clock.seconds() - begun_seconds
        self._health = add_report(self._health, report, now, lasted_seconds)
        try:
            self._on_report(report)
            if report.exit_code == 0 and self._heartbeat is not None:
                beat(self._heartbeat, self._clock.now())
        except Exception as error:
            self._tell_failure(error)

    def tell(self, path: str) -> tuple[int, str]:
        """Status and text for /healthz and /metrics."""
        if path == "/healthz":
            illness = find_illness(self._health, self._clock.now())
            return (503, f"{illness}\n") if illness else (200, "ok\n")
        if path == "/metrics":
            return 200, render_metrics(self._health, self._hub.requests_left)
        return 404, "There is /healthz and /metrics.\n"

    def _tell_failure(self, error: Exception) -> int:
        """Say what went wrong; returns its exit code."""
        if isinstance(error, DeployError):
            self._say(f"{type(error).__name__}: {error.message} {error.remedy}")
            return error.exit_code
        self._say(redact(f"The sweep failed unexpectedly: {type(error).__name__}: {error}."))
        return DeployError.exit_code


def make_trigger(every_seconds: float | None, cron: str | None, jitter_seconds: float) -> BaseTrigger:
    """When the turns are; a crontab's times are UTC. Raises RuleInvalid."""
    jitter = int(jitter_seconds) or None
    if (every_seconds is None) is (cron is None):
        raise RuleInvalid("A schedule is either --every or --cron.", "Name one of them.")
    if every_seconds is not None:
        if every_seconds < 1:
            raise RuleInvalid("That is too often.", "Sweep every few minutes at most.")
        return IntervalTrigger(seconds=int(every_seconds), jitter=jitter, timezone=UTC)
    assert cron is not None
    try:
        return OrTrigger(_read_crontab(cron), jitter)
    except ValueError as error:
        raise RuleInvalid(f"{cron!r} is no crontab: {error}.", 'Write five fields: "0 * * * *".') from None


def _read_crontab(text: str) -> list[CronTrigger]:
    """As cron reads it: where days of the month and of the week are named, either of them will do."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"it has not five fields, but {len(fields)}")
    minute, hour, day, month, weekday = fields
    days = _read_weekdays(weekday)
    either = not (day.startswith("*") or weekday.startswith("*"))
    return [
        CronTrigger(month=month, day=of_month, day_of_week=of_week, hour=hour, minute=minute, timezone=UTC)
        for of_month, of_week in ([(day, "*"), ("*", days)] if either else [(day, days)])
    ]


def _read_weekdays(field: str) -> str:
    """The days by their names: a crontab counts them from Sunday, APScheduler from Monday."""
    names = list[str]()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0-6" if span == "*" else span).partition("-")
        try:
            days = range(_WEEKDAYS[first], _WEEKDAYS[last or first] + 1, int(step or 1))
        except (KeyError, ValueError):
            days = range(0)
        if not days:
            raise ValueError(f"{part!r} is no day of the week")
        names += [_DAYS[day % 7] for day in days]
    return ",".join(names)


def find_interval_seconds(trigger: BaseTrigger, now: datetime) -> float:
    """The longest time between two of the next turns. Raises RuleInvalid for a schedule without any."""
    turns = list[datetime]()
    moment = now
    for _ in range(_TURNS_LOOKED_AT):
        following = trigger.get_next_fire_time(turns[-1] if turns else None, moment)
        if following is None:
            break
        turns.append(following)
        moment = following + timedelta(seconds=1)
    if len(turns) < 2:
        raise RuleInvalid("The schedule never comes round.", "Choose days that exist.")
    return max((later - earlier).total_seconds() for earlier, later in pairwise(turns))


@contextlib.contextmanager
def sweeping(routine: Routine, trigger: BaseTrigger, *, at_once: bool, listen: str | None) -> Iterator[None]:
    """Turn after turn in a thread, as long as this is entered; the turn that is under way is waited for."""
    server = serve(routine, listen) if listen is not None else None
    scheduler = BackgroundScheduler(timezone=UTC)
    options: dict[str, Any] = {"next_run_time": datetime.now(UTC)} if at_once else {}
    scheduler.add_job(
        routine.turn, trigger, max_instances=1, coalesce=True, misfire_grace_time=None, **options
    )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)
        if server is not None:
            server.shutdown()
            server.server_close()


def serve(routine: Routine, listen: str) -> ThreadingHTTPServer:
    """/healthz and /metrics at HOST:PORT, in a thread of their own. Raises RuleInvalid."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = routine.tell(self.path.partition("?")[0])
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    host, _, port = listen.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise RuleInvalid(f"Cannot listen at {listen!r}: that names no port.", "Name a free HOST:PORT.")
    try:
        server = ThreadingHTTPServer((host or "127.0.0.1", int(port)), Handler)
    except OSError as error:
        words = f"Cannot listen at {listen!r}: {error.strerror}."
        raise RuleInvalid(words, "Name a free HOST:PORT.") from None
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server

"""What a janitor that runs on a schedule tells of itself: health and metrics. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hfdeploy_janitor.model import Report

# How many turns may be missed before somebody should look.
_TURNS = 3


@dataclass(frozen=True, slots=True)
class Health:
    """All that was done since it started. `interval_seconds` is the longest time between two turns."""

    started_at: datetime
    interval_seconds: float
    swept_at: datetime | None = None
    """When a sweep last ended well."""
    lasted_seconds: float = 0.0
    kept: int = 0
    exits: Mapping[int, int] = field(default_factory=dict)
    fates: Mapping[str, int] = field(default_factory=dict)


def add_report(health: Health, report: Report, now: datetime, lasted_seconds: float) -> Health:
    """The health after a sweep."""
    fates = Counter(health.fates) + Counter(result.fate.value for result in report.results)
    return _add_exit(health, report.exit_code, now, lasted_seconds, len(report.plan.kept), fates)


def add_failure(health: Health, exit_code: int, now: datetime, lasted_seconds: float) -> Health:
    """The health after a sweep that failed as a whole."""
    return _add_exit(health, exit_code, now, lasted_seconds, health.kept, health.fates)


def find_illness(health: Health, now: datetime) -> str | None:
    """Why it is not healthy, or None: no sweep has ended well for too long."""
    since = health.swept_at or health.started_at
    if now - since <= timedelta(seconds=_TURNS * health.interval_seconds):
        return None
    return f"No sweep has ended well since {since:%Y-%m-%d %H:%M} UTC."


def render_metrics(health: Health, requests_left: int) -> str:
    """In the text format of Prometheus (exposition format 0.0.4)."""
    swept_seconds = health.swept_at.timestamp() if health.swept_at else 0
    families: list[tuple[str, str, str, dict[str, float]]] = [
        ("sweeps_total", "counter", "Sweeps by exit code.", _label("exit_code", health.exits)),
        ("things_total", "counter", "Things by their fate.", _label("fate", health.fates)),
        ("kept", "gauge", "Things that the last sweep kept.", {"": health.kept}),
        ("last_sweep_seconds", "gauge", "How long the last sweep took.", {"": health.lasted_seconds}),
        ("last_success_timestamp_seconds", "gauge", "When a sweep last ended well.", {"": swept_seconds}),
        ("requests_left", "gauge", "Requests that may still be sent now.", {"": requests_left}),
    ]
    lines = list[str]()
    for name, kind, told, samples in families:
        lines += [f"# HELP hfdeploy_janitor_{name} {told}", f"# TYPE hfdeploy_janitor_{name} {kind}"]
        lines += [f"hfdeploy_janitor_{name}{labels} {value:.10g}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"


def _add_exit(
    health: Health,
    exit_code: int,
    now: datetime,
    lasted_seconds: float,
    kept: int,
    fates: Mapping[str, int],
) -> Health:
    return Health(
        health.started_at,
        health.interval_seconds,
        now if exit_code == 0 else health.swept_at,
        lasted_seconds,
        kept,
        Counter(health.exits) + Counter([exit_code]),
        fates,
    )


def _label(name: str, counts: Mapping[int, int] | Mapping[str, int]) -> dict[str, float]:
    return {f'{{{name}="{value}"}}': count for value, count in sorted(counts.items(), key=str)}

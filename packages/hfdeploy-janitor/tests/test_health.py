from datetime import UTC, datetime, timedelta

from hfdeploy_janitor.health import Health, add_failure, add_report, find_illness, render_metrics
from hfdeploy_janitor.model import Fate, Kept, Plan, Report, Result, Target, Thing
from hfdeploy_janitor.rules import Kind, Policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
THING = Thing(Kind.MODEL, "alice", "test-1", "0" * 24, NOW, NOW)
TARGET = Target(THING, "old", 0)
PLAN = Plan("", NOW, Policy(()), (TARGET,), (Kept(THING, ""), Kept(THING, "")))
GOOD = Report(PLAN, (Result(TARGET, Fate.DELETED),), applied=True)
BAD = Report(PLAN, (Result(TARGET, Fate.FAILED),), applied=True)
HOUR = timedelta(hours=1)


def test_it_is_ill_when_no_sweep_ends_well_for_three_turns() -> None:
    health = Health(NOW, 3600.0)
    assert find_illness(health, NOW + 3 * HOUR) is None
    assert "since 2026-01-01 00:00" in (find_illness(health, NOW + 3.01 * HOUR) or "")
    swept = add_report(health, GOOD, NOW + HOUR, 2.0)
    assert find_illness(swept, NOW + 4 * HOUR) is None
    for worse in (add_report(swept, BAD, NOW + 2 * HOUR, 1.0), add_failure(swept, 31, NOW + 2 * HOUR, 1.0)):
        assert find_illness(worse, NOW + 4.01 * HOUR)


def test_metrics_add_up() -> None:
    health = add_report(Health(NOW, 3600.0), GOOD, NOW + HOUR, 2.5)
    health = add_failure(add_report(health, BAD, NOW + HOUR, 1.5), 31, NOW + HOUR, 0.5)
    lines = render_metrics(health, 997).splitlines()
    for line in (
        'hfdeploy_janitor_sweeps_total{exit_code="0"} 1',
        'hfdeploy_janitor_sweeps_total{exit_code="3"} 1',
        'hfdeploy_janitor_sweeps_total{exit_code="31"} 1',
        'hfdeploy_janitor_things_total{fate="deleted"} 1',
        'hfdeploy_janitor_things_total{fate="failed"} 1',
        "hfdeploy_janitor_kept 2",
        "hfdeploy_janitor_last_sweep_seconds 0.5",
        f"hfdeploy_janitor_last_success_timestamp_seconds {int((NOW + HOUR).timestamp())}",
        "hfdeploy_janitor_requests_left 997",
    ):
        assert line in lines, line

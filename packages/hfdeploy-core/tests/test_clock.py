from datetime import UTC

from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.testing import FakeClock


def test_the_systems_clock_moves_by_itself_and_has_a_time_zone() -> None:
    clock: Clock = SystemClock()
    before = clock.seconds()
    clock.sleep(0.01)
    assert clock.seconds() - before >= 0.01
    assert clock.now().tzinfo is UTC


def test_the_fake_one_only_when_somebody_sleeps() -> None:
    clock = FakeClock()
    before = clock.now()
    clock.sleep(90)
    assert clock.seconds() == 90
    assert (clock.now() - before).total_seconds() == 90
    assert clock.naps == [90]

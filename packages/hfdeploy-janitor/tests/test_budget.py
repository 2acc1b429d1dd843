import pytest

from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.errors import BudgetSpent


def test_no_window_of_five_minutes_has_more(clock: FakeClock) -> None:
    budget = Budget(clock, 3)
    sent = []
    for _ in range(2000):
        try:
            budget.take()
            sent.append(clock.seconds())
        except BudgetSpent:
            pass
        clock.sleep(1)
    assert all(sum(start <= moment < start + 300 for moment in sent) <= 3 for start in sent)
    assert len(sent) == 3 * 7


def test_what_is_left_is_told(clock: FakeClock) -> None:
    budget = Budget(clock, 2)
    budget.take()
    assert budget.left == 1
    budget.take()
    with pytest.raises(BudgetSpent):
        budget.take()
    clock.sleep(300)
    assert budget.left == 2

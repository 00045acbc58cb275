"""The day that changes from day to day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.another_day import FURTHEST, HARD_TIMES, another_day

DAYS = st.dates(date(2026, 1, 1), date(2100, 1, 1))


@given(DAYS)
def test_the_other_day_lies_within_five_years(today: date) -> None:
    assert today <= another_day(today).date() <= today + timedelta(days=FURTHEST)


@given(DAYS)
def test_the_other_day_changes_daily(today: date) -> None:
    assert another_day(today) != another_day(today + timedelta(days=1))


def test_a_month_covers_every_hard_time_and_month_end() -> None:
    found = [another_day(date(2027, 1, 1) + timedelta(days=n)) for n in range(31)]
    assert {each.time() for each in found} == set(HARD_TIMES)
    assert {1, 28} <= {min(each.day, 28) for each in found}

"""The day on which ``.ci/run`` tries what touches a clock: another one each day, the same all day long.

python -m tests.another_day        # 2028-02-29 23:59:30, in UTC
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

FURTHEST = 5 * 365
HARD_TIMES = (time(0, 0, 5), time(0, 30), time(1, 59, 30), time(12), time(23, 55), time(23, 59, 30))
"""Before and after midnight, and around changes of summer time."""


def another_day(today: date) -> datetime:
    """Return a moment in UTC within the next five years. Those of neighbouring days are far apart, and every other one
    is on the first day of a month or the day before, where mistakes are likely."""
    number = today.toordinal()
    # Both factors have no divisor in common with what they are taken modulo, so no day is left out.
    day = today + timedelta(days=1 + number * 1021 % FURTHEST)
    if number % 2:
        day = day.replace(day=1) - timedelta(days=number // 2 % 2)
    return datetime.combine(max(day, today), HARD_TIMES[number * 5 % len(HARD_TIMES)])


if __name__ == "__main__":
    print(another_day(datetime.now(UTC).date()))

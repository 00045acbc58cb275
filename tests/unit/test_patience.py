"""Work is begun again while a part is away, and no longer than that."""

from __future__ import annotations

import pytest

from cx_events.errors import Refused, TryLater
from cx_runtime.patience import patiently


class Failing:
    """Raises these errors, one at a call, then returns how often it was called."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


def away(part: str = "log") -> TryLater:
    return TryLater(part, "it is away")


async def test_work_is_begun_again_until_it_is_done() -> None:
    assert await patiently(Failing(away(), away())) == 3


async def test_what_stays_away_is_told() -> None:
    work = Failing(away(), away("store"))
    with pytest.raises(TryLater, match="log"):
        await patiently(work, seconds=-1.0)
    assert work.calls == 1


async def test_what_is_refused_is_not_tried_again() -> None:
    work = Failing(Refused("no-topic", "there is no such topic"))
    with pytest.raises(Refused):
        await patiently(work)
    assert work.calls == 1


async def test_what_waiting_does_not_mend_is_told() -> None:
    work = Failing(away("target"))
    with pytest.raises(TryLater, match="target"):
        await patiently(work, is_outage=lambda error: error.part == "log")
    assert work.calls == 1


async def test_a_wait_is_ended_by_what_goes_on_meanwhile() -> None:
    async def lost() -> None:
        raise Refused("lost", "another process works on it")

    work = Failing(away())
    with pytest.raises(Refused, match="another process"):
        await patiently(work, meanwhile=lost)
    assert work.calls == 1

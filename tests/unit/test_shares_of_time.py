"""Whoever's work took more than its share of the event loop's time waits; others, and who used little, don't."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from tests.patience import PATIENCE

from cx_events.errors import TooFast
from cx_runtime.cpu_time import charge_cpu_time
from cx_runtime.fair_queue import BURST_SECONDS, FairQueue


class Clock:
    """Set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def turns(clock: Callable[[], float], seconds: float = PATIENCE, share: float = 0.25) -> FairQueue:
    return FairQueue(
        "reads",
        4,
        most_of_one=4,
        most_waiting=99,
        most_waiting_of_one=99,
        seconds=seconds,
        time_of_one=share,
        clock=clock,
    )


async def runs(fair: FairQueue, key: str) -> bool:
    """Whether the key gets a turn."""
    try:
        async with fair.turn(key):
            return True
    except TooFast as refused:
        assert refused.reason == "reads-of-tenant"
        return False


async def test_only_a_key_over_its_share_of_time_waits() -> None:
    clock = Clock()
    fair = turns(clock, seconds=0.01)
    fair.charge("greedy", 1.0)
    fair.charge("modest", 0.02)
    assert [await runs(fair, key) for key in ("greedy", "modest", "other")] == [False, True, True]


async def test_a_key_continues_when_its_share_has_accrued() -> None:
    clock = Clock()
    fair = turns(clock, seconds=0.01)
    fair.charge("greedy", 1.0)
    clock.now = 4.0 - BURST_SECONDS - 0.1
    assert not await runs(fair, "greedy")
    clock.now += 0.2
    assert await runs(fair, "greedy")


async def test_time_that_nobody_used_is_not_saved_up() -> None:
    clock = Clock()
    fair = turns(clock, seconds=0.01)
    clock.now = 1_000.0
    fair.charge("greedy", 1.0)
    assert not await runs(fair, "greedy")


async def test_a_waiting_key_is_let_in_by_time_alone() -> None:
    fair = turns(asyncio.get_running_loop().time)
    fair.charge("greedy", BURST_SECONDS)
    assert await runs(fair, "greedy")
    assert fair.known() == 0


async def test_without_a_share_of_time_nothing_is_counted() -> None:
    fair = turns(Clock(), seconds=0.01, share=1.0)
    fair.charge("alone", 1_000.0)
    assert await runs(fair, "alone")


# --- what work costs -------------------------------------------------------------------------------------------------


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_only_the_works_own_steps_are_charged() -> None:
    charged: list[float] = []

    async def other() -> None:
        busy(1.0)

    async def work() -> str:
        busy(0.05)
        await asyncio.create_task(other())
        busy(0.05)
        return "found"

    assert await charge_cpu_time(work(), charged.append) == "found"
    (seconds,) = charged
    assert 0.1 <= seconds < 1.0, "by a margin that no load changes: it is processor time"


async def test_failing_work_raises_and_is_charged() -> None:
    charged: list[float] = []

    async def work() -> None:
        try:
            await asyncio.create_task(failing())
        except ValueError as error:
            raise LookupError from error

    async def failing() -> None:
        raise ValueError

    with pytest.raises(LookupError):
        await charge_cpu_time(work(), charged.append)
    assert len(charged) == 1


async def test_work_hears_that_it_is_cancelled() -> None:
    charged: list[float] = []
    begun, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    task = asyncio.create_task(charge_cpu_time(work(), charged.append))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert cleaned.is_set()
    assert len(charged) == 1


async def test_work_may_bound_its_own_time() -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "in time"
        return "never"

    assert await charge_cpu_time(work(), list[float]().append) == "in time"

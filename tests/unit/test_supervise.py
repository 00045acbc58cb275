"""Supervision: whatever is over though nobody stopped it has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from cx_events.cancellation import Interrupted, close_within, guard_cancellation
from cx_events.errors import Fatal, TryLater
from cx_hub import supervise
from cx_hub.supervise import Supervisor
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import Ended, OwnedTasks

PATIENCE = 30.0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


def supervisor() -> tuple[Supervisor, Health, Metrics]:
    health, metrics = Health(), Metrics()
    return Supervisor(health, metrics), health, metrics


async def raises(error: BaseException) -> None:
    raise error


async def awaits_a_task_that_is_cancelled() -> None:
    """As aiokafka's consumer does when it is stopped."""
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def returns() -> None:
    await asyncio.sleep(0)


def fails_at_once() -> Awaitable[None]:
    raise ZeroDivisionError("before it began")


WRONG_ENDS: dict[str, Callable[[], Awaitable[object]]] = {
    "error": lambda: raises(ZeroDivisionError("a fault")),
    "error before it began": fails_at_once,
    "part that is away": lambda: raises(TryLater("store", "down")),
    "foreign cancellation": awaits_a_task_that_is_cancelled,
    "cancellation of its own": lambda: raises(asyncio.CancelledError()),
    "plain return": returns,
    "exit": lambda: raises(SystemExit(0)),
    "interrupt": lambda: raises(KeyboardInterrupt()),
}


@pytest.mark.parametrize("end", WRONG_ENDS.values(), ids=WRONG_ENDS)
async def test_an_ended_service_is_restarted_and_reported_by_readiness(
    end: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, health, _ = supervisor()
    starts = 0

    async def service() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            await end()
        else:
            await asyncio.Event().wait()

    watched.keep("service", service)
    await until(lambda: starts == 3)
    report = await health.ready()
    assert not report.ok
    assert report.parts["tasks"].why.startswith("tasks: service: ")
    assert not watched.stopping.is_set()
    monkeypatch.setattr(supervise, "PROVEN", 0.0)
    assert (await health.ready()).ok
    await watched.stop_all()


async def test_a_service_cancelled_from_outside_is_restarted() -> None:
    watched, _, metrics = supervisor()
    starts = 0

    async def service() -> None:
        nonlocal starts
        starts += 1
        await asyncio.Event().wait()

    watched.keep("service", service)
    await until(lambda: starts == 1)
    for task in asyncio.all_tasks():
        if task.get_name() == "service":
            task.cancel()
    await until(lambda: starts == 2)
    assert b'cx_retries_total{what="task"} 1.0' in metrics.render()[0]
    await watched.stop_all()


async def test_a_service_between_two_attempts_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervise, "FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(supervise, "PROVEN", 0.0)
    watched, health, _ = supervisor()
    begun = asyncio.Event()

    async def service() -> None:
        begun.set()

    watched.keep("service", service)
    await begun.wait()
    async with asyncio.timeout(PATIENCE):
        while (await health.ready()).ok:
            await asyncio.sleep(0.01)
    await watched.stop_all()


async def test_a_service_without_its_supervisor_is_missed() -> None:
    watched, health, _ = supervisor()
    watched.keep("service", asyncio.Event().wait)
    await asyncio.sleep(0)
    keeper = next(task for task in asyncio.all_tasks() if task.get_name() == "supervisor of service")
    keeper.cancel()
    await asyncio.wait([keeper])
    assert not (await health.ready()).ok
    assert not health.live().ok
    await watched.stop_all()


async def test_a_fatal_stops_the_process_and_keeps_the_reason() -> None:
    watched, health, _ = supervisor()
    watched.keep("service", lambda: raises(Fatal("the log lost records")))
    await asyncio.wait_for(watched.stopping.wait(), PATIENCE)
    assert str(watched.fatal) == "the log lost records"
    assert not health.live().ok
    await watched.stop_all()


async def test_an_errand_that_is_done_is_not_started_again() -> None:
    watched, health, _ = supervisor()
    starts = 0

    async def errand() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise TryLater("store", "not yet")

    watched.run("errand", errand)
    await until(lambda: starts == 2)
    await watched.finished(["errand"])
    assert (await health.ready()).ok


async def test_a_service_that_was_asked_to_end_may_return() -> None:
    watched, health, metrics = supervisor()
    asked = asyncio.Event()
    watched.keep("service", asked.wait)
    await asyncio.sleep(0)
    asked.set()
    await asyncio.wait_for(watched.finished(["service"]), PATIENCE)
    assert (await health.ready()).ok
    assert b'cx_retries_total{what="task"} 0.0' in metrics.render()[0]


async def test_a_service_that_swallows_its_cancellation_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervise, "STOP_AGAIN_SECONDS", 0.01)
    watched, _, _ = supervisor()

    async def service() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    watched.keep("service", service)
    await asyncio.sleep(0)
    await asyncio.wait_for(watched.stop("service"), PATIENCE)


async def test_stopping_ends_the_pause_of_a_service_that_failed() -> None:
    watched, _, _ = supervisor()
    failed = asyncio.Event()

    async def service() -> None:
        failed.set()
        raise TryLater("store", "down")

    watched.keep("service", service)
    await failed.wait()
    watched.stopping.set()
    await asyncio.wait_for(watched.finished(["service"]), PATIENCE)


# --- tasks beside a worker --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", WRONG_ENDS.values(), ids=WRONG_ENDS)
async def test_a_worker_ends_when_its_own_task_ends(end: Callable[[], Awaitable[object]]) -> None:
    async def ending() -> None:
        await end()

    with pytest.raises(Ended, match="the renewal is over"):
        async with OwnedTasks() as companions:
            companions.start("the renewal", ending())
            await asyncio.Event().wait()
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0
    await asyncio.sleep(0)


async def test_a_task_ending_with_its_worker_is_not_lost() -> None:
    with pytest.raises(Ended):
        async with OwnedTasks() as companions:
            companions.start("the renewal", returns())
            for _ in range(3):
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)


async def test_a_worker_that_ends_ends_its_tasks() -> None:
    ended = asyncio.Event()

    async def renewal() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with OwnedTasks() as companions:
        companions.start("the renewal", renewal())
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_a_cancelled_worker_is_cancelled_whatever_its_tasks_do() -> None:
    async def work() -> None:
        async with OwnedTasks() as companions:
            companions.start("the renewal", asyncio.sleep(3600))
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


# --- whose cancellation it is -----------------------------------------------------------------------------------------


async def test_a_foreign_cancellation_is_an_error() -> None:
    with pytest.raises(Interrupted), guard_cancellation("a call"):
        await awaits_a_task_that_is_cancelled()


async def test_our_cancellation_goes_through() -> None:
    async def call() -> None:
        with guard_cancellation("a call"):
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await call()


async def test_a_close_that_hangs_is_reported_without_waiting() -> None:
    assert isinstance(await close_within(asyncio.Event().wait(), 0.01), TimeoutError)
    assert isinstance(await close_within(awaits_a_task_that_is_cancelled(), PATIENCE), Interrupted)
    assert isinstance(await close_within(raises(OSError("gone")), PATIENCE), OSError)
    assert await close_within(returns(), PATIENCE) is None


async def test_a_close_continues_when_its_waiter_is_cancelled() -> None:
    ended = asyncio.Event()

    async def end() -> None:
        await asyncio.sleep(0.05)
        ended.set()

    task = asyncio.create_task(close_within(end(), PATIENCE))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await asyncio.wait_for(ended.wait(), PATIENCE)

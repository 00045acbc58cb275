"""Watch tasks that must not die quietly.

There are two kinds. A *service* runs until it is stopped: if it ends otherwise, by an error, by a cancellation that is
not ours or by a plain return, it has failed. An *errand* is over when it returns. What has failed is logged, counted
and started again after a pause, and readiness fails meanwhile and until it has run for a while. ``Fatal`` is the
exception: going on would lose something, so the process stops and says why.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from cx_events.errors import Fatal, TryLater
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import outcome, reason

Work = Callable[[], Awaitable[object]]
"""Starts from scratch at every call."""

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
PROVEN = 10.0
"""Seconds that a task must have run again before it counts as well."""

STOP_AGAIN_SECONDS = 1.0
"""A task that has swallowed its cancellation is cancelled again."""


@dataclass
class _Watched:
    """``may_return``: it was asked to end by itself. ``stopped``: we cancel it. ``over``: an errand that is done, or
    work that ended by ``Fatal``. ``running``: the work itself, None between two tries. ``failed``: when, and why."""

    name: str
    work: Work
    is_service: bool
    may_return: bool = False
    stopped: bool = False
    over: bool = False
    running: asyncio.Task[BaseException | None] | None = None
    keeper: asyncio.Task[None] | None = None
    pause: float = 0.0
    failed: tuple[float, str] | None = None
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ended_as_wanted(self) -> bool:
        return self.stopped or self.over or self.may_return


class Supervisor:
    """``stopping`` is set once the process must end: by whoever asks for it, or by a ``Fatal``, kept in ``fatal``."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        self.stopping = asyncio.Event()
        self.fatal: Fatal | None = None
        self._metrics = metrics
        self._health = health
        self._watched: dict[str, _Watched] = {}
        self._said = structlog.get_logger("cx_hub.supervise")
        health.probe("tasks", self._check)

    def keep(self, name: str, service: Work) -> None:
        """Run a service, and keep it running until it is stopped."""
        self._start(_Watched(name, service, is_service=True))

    def run(self, name: str, errand: Work) -> None:
        """Run an errand until it has returned once."""
        self._start(_Watched(name, errand, is_service=False))

    def _start(self, watched: _Watched) -> None:
        self._watched[watched.name] = watched
        watched.keeper = asyncio.create_task(self._keep(watched), name=f"supervisor of {watched.name}")
        watched.keeper.add_done_callback(lambda _: self._unwatched(watched))

    async def stop(self, name: str) -> None:
        """Cancel a task and wait for its end."""
        watched = self._watched.get(name)
        if watched is None or watched.keeper is None:
            return
        watched.stopped = True
        watched.stop_asked.set()
        while not watched.keeper.done():
            if watched.running is not None:
                watched.running.cancel()
            await asyncio.wait([watched.keeper], timeout=STOP_AGAIN_SECONDS)
        self._watched.pop(name, None)

    async def finished(self, names: Sequence[str]) -> None:
        """Wait for tasks that were asked to end by themselves, and may therefore return."""
        some = [self._watched[name] for name in names if name in self._watched]
        keepers = []
        for watched in some:
            watched.may_return = True
            watched.stop_asked.set()
            keepers += [watched.keeper] if watched.keeper is not None else []
        if keepers:
            await asyncio.wait(keepers)
        for watched in some:
            self._watched.pop(watched.name, None)

    async def stop_all(self) -> None:
        for name in reversed(list(self._watched)):
            await self.stop(name)

    async def _check(self) -> None:
        """``TryLater`` naming whatever is not at work, or was not a moment ago."""
        now = asyncio.get_running_loop().time()
        failing = []
        for watched in self._watched.values():
            if watched.over:
                continue
            if watched.keeper is None or watched.keeper.done():
                failing.append(f"{watched.name}: nobody keeps it running")
            elif watched.failed is not None and (watched.running is None or now - watched.failed[0] < PROVEN):
                failing.append(f"{watched.name}: {watched.failed[1]}")
        if failing:
            raise TryLater("tasks", "; ".join(failing))

    async def _keep(self, watched: _Watched) -> None:
        clock = asyncio.get_running_loop().time
        watched.pause = FIRST_PAUSE
        while not watched.stopped:
            started = clock()
            watched.running = asyncio.create_task(outcome(_begun(watched.work)), name=watched.name)
            try:
                await asyncio.wait([watched.running])
            finally:  # where we are cancelled, by the event loop's own end: the work goes with us
                watched.running.cancel()
            why = self._why(watched, watched.running)
            watched.running = None
            if why is None:
                return
            if isinstance(why, Fatal):
                self.give_up(watched.name, why)
                watched.over = True
                return
            if clock() - started > PROVEN:
                watched.pause = FIRST_PAUSE
            watched.failed = clock(), self._tell(watched, why)
            if await self._stopped_within(watched, watched.pause * random.uniform(0.5, 1.0)):  # noqa: S311
                return
            watched.pause = min(watched.pause * 2, LONGEST_PAUSE)

    def _why(self, watched: _Watched, task: asyncio.Task[BaseException | None]) -> BaseException | None:
        """Why the work is over; None where that is as it should be."""
        returned = not task.cancelled() and task.exception() is None and task.result() is None
        if returned and not watched.is_service:
            watched.over, watched.failed = True, None
            self._health.back(watched.name)
        if watched.stopped or (returned and (watched.ended_as_wanted or self.stopping.is_set())):
            watched.may_return = True
            return None
        return reason(task)

    def _tell(self, watched: _Watched, why: BaseException) -> str:
        if isinstance(why, TryLater):
            if watched.is_service:
                self._said.warning("a task waits", task=watched.name, part=why.part, why=why.detail)
            else:
                self._health.away(watched.name, why)  # until the errand is done
            return str(why)
        self._said.error("a task failed and is started again", task=watched.name, exc_info=why)
        self._metrics.retries.labels("task").inc()
        return f"{type(why).__name__}: {why}"

    async def _stopped_within(self, watched: _Watched, seconds: float) -> bool:
        """Return whether the task is to end, by us alone or with the process."""
        asked = [asyncio.create_task(event.wait()) for event in (self.stopping, watched.stop_asked)]
        try:
            await asyncio.wait(asked, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in asked:
                each.cancel()
        if self.stopping.is_set() or watched.stop_asked.is_set():
            watched.may_return = True
            return True
        return False

    def _unwatched(self, watched: _Watched) -> None:
        """Nobody but we may end a keeper; the event loop does at its own end, and then it is told all the same."""
        if not watched.ended_as_wanted:
            self._said.critical("a task is kept running no more", task=watched.name)
            self._health.fail(watched.name, "nobody keeps it running")

    def give_up(self, name: str, error: Fatal) -> None:
        """End the process: going on would be worse."""
        self._said.critical("the process must stop", task=name, why=str(error))
        self._health.fail(name, str(error))
        self.fatal = self.fatal or error
        self.stopping.set()


async def _begun(work: Work) -> None:
    """Run the work in a coroutine of its own, so that what fails before its first await is the task's error, too."""
    await work()

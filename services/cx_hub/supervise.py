"""Tasks that must not die quietly.

A task that ends in an error is told, counted and started again after a pause; readiness says so until it has run for a
while. A ``Fatal`` is not: going on would lose something, so the process stops and says why.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from cx_events.errors import Fatal, TryLater
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

Work = Callable[[], Awaitable[object]]
"""Starts from scratch at every call; returning means that it is done for good."""

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
PROVEN = 10.0
"""Seconds that a task must have run again before it counts as well."""


class Supervisor:
    """``stopping`` is set once the process must end: by whoever asks for it, or by a ``Fatal``, kept in ``fatal``."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        self.stopping = asyncio.Event()
        self.fatal: Fatal | None = None
        self._metrics = metrics
        self._health = health
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, tuple[float, str]] = {}
        self._said = structlog.get_logger("cx_hub.supervise")
        health.probe("tasks", self._check)

    def start(self, name: str, work: Work) -> None:
        """Run ``work`` and keep it running."""
        self._tasks[name] = asyncio.create_task(self._keep(name, work), name=name)

    async def stop(self, name: str) -> None:
        """Cancel a task and wait for its end."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def finished(self, names: list[str]) -> None:
        """Wait for tasks that were asked to end by themselves."""
        tasks = [self._tasks.pop(name) for name in names if name in self._tasks]
        if tasks:
            await asyncio.wait(tasks)

    async def stop_all(self) -> None:
        for name in reversed(list(self._tasks)):
            await self.stop(name)

    async def _check(self) -> None:
        now = asyncio.get_running_loop().time()
        failing = [f"{name}: {why}" for name, (at, why) in self._failures.items() if now - at < PROVEN]
        if failing:
            raise TryLater("tasks", "; ".join(failing))

    async def _keep(self, name: str, work: Work) -> None:
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while True:
            started = clock()
            try:
                await work()
            except Fatal as error:
                self._give_up(name, error)
                return
            except TryLater as error:
                self._said.warning("waiting", task=name, part=error.part, why=error.detail)
                why = str(error)
            except Exception as error:  # whatever it is, it must be told, and the work must go on
                self._said.error("a task failed and is started again", task=name, exc_info=error)
                self._metrics.retries.labels("task").inc()
                why = f"{type(error).__name__}: {error}"
            else:
                self._failures.pop(name, None)
                return
            self._failures[name] = (clock(), why)
            if clock() - started > PROVEN:
                pause = FIRST_PAUSE
            if await self._stopped_within(pause * random.uniform(0.5, 1.0)):  # noqa: S311
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _give_up(self, name: str, error: Fatal) -> None:
        self._said.critical("the process must stop", task=name, why=str(error))
        self._health.fail(name, str(error))
        self.fatal = self.fatal or error
        self.stopping.set()

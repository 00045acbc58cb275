"""Tell how fresh the store is: up to which moment everything on the log has been applied.

A look takes the ends of the log's partitions at a moment, and asks the store how far it is. Where it has reached those
ends, it is current to that moment, also in a hub where nothing happens; else to the latest moment whose ends it has
reached. All streams of a process share a look, at most one a second.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from cx_context.store import Store, offsets
from cx_events.errors import TryLater
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log
from cx_events.timestamps import format_time
from cx_runtime.answer_deadline import within

FRESH_SECONDS = 1.0
WAIT_SECONDS = 0.5
"""A heartbeat waits no longer for a look: states must go on."""

LOOKS = 4
PAUSE_SECONDS = 0.05
"""What has just come needs a moment: the store is asked so often, at such a distance, whether it has it."""

_KEPT = 120


class _Ends(NamedTuple):
    """The ends of the log's partitions at a moment, in seconds since 1970."""

    at: float
    by_partition: Mapping[int, int]


class Freshness:
    """The freshness of the store, as one process finds it. ``clock``: seconds since 1970."""

    def __init__(self, store: Store, log: Log, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._ends: deque[_Ends] = deque(maxlen=_KEPT)
        self._current_to = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._looked = -FRESH_SECONDS

    async def read(self) -> Json:
        """Return ``{now, current_to, lag}``, lag in seconds; the two are null while the store was never found current.

        Where log or store do not answer soon, what is known is returned, whose lag grows.
        """
        if self._looking is None and time.monotonic() - self._looked >= FRESH_SECONDS:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._has_looked)
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=WAIT_SECONDS)
        now, current_to = self._clock(), self._current_to
        return {
            "now": format_time(int(now * 1e6)),
            "current_to": format_time(int(current_to * 1e6)) if current_to else None,
            "lag": round(max(now - current_to, 0.0), 3) if current_to else None,
        }

    async def stop(self) -> None:
        """Cancel a look that is under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    def _has_looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        self._looked = time.monotonic()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, TryLater):
            structlog.get_logger("cx_context_api.following").error("a look at the log's ends failed", exc_info=error)

    async def _look(self) -> None:
        at = self._clock()
        self._ends.append(_Ends(at, await within(self._log.end_offsets(INTERACTIONS), "log")))
        for number in range(LOOKS):
            if number:
                await asyncio.sleep(PAUSE_SECONDS)
            applied = await within(self._applied())
            for ends in reversed(self._ends):
                if all(applied.get(partition, 0) >= end for partition, end in ends.by_partition.items()):
                    self._current_to = max(self._current_to, ends.at)
                    break
            if self._current_to >= at:
                self._ends.clear()
                return

    async def _applied(self) -> dict[int, int]:
        async with self._store.reading() as tx:
            found = await offsets.applied(tx)
        return {partition.number: offset for partition, offset in found.items() if partition.topic == INTERACTIONS}

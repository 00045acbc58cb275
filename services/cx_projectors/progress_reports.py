"""Report how a consumer gets on: the lag in the metrics, a sample a minute and the worker's own state in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Literal

import structlog

from cx_context.store import Store, lag_samples, offsets
from cx_events.errors import CxError, TryLater
from cx_events.log import INTERACTIONS, Log, Partition
from cx_projectors.records import TOPICS, lag
from cx_runtime.metrics import Metrics

REPORT_SECONDS = 2.0
SAMPLE_SECONDS = 30.0
"""Twice a minute, so that no minute is without a sample; the second one of a minute finds the row there."""

WorkerState = Literal["running", "waiting", "stuck"]


class ProgressReports:
    """Reports of one worker. ``owned``: its partitions now. ``version``: of its code."""

    def __init__(
        self,
        store: Store,
        log: Log,
        metrics: Metrics,
        worker: str,
        version: str,
        owned: Callable[[], Collection[Partition]],
    ) -> None:
        self._store = store
        self._log = log
        self._metrics = metrics
        self._worker = worker
        self._version = version
        self._owned = owned
        self._state: WorkerState = "running"
        self._error = ""
        self._is_written = False
        self._sampled_at = float("-inf")
        self._logger = structlog.get_logger().bind(worker=worker)
        self.records_behind = 0
        """Records that waited in the worker's partitions when that was measured last."""

    def note(self, state: WorkerState, error: str = "") -> None:
        """Note the worker's state, to be written with the next report; an error stays the last one until another."""
        if state != self._state or error:
            self._state, self._error, self._is_written = state, error or self._error, False

    def note_error(self, error: Exception) -> None:
        """Note why there was no progress. A text of ours is told, of another error only its name: it may hold what
        somebody said."""
        text = str(error) if isinstance(error, CxError) else type(error).__name__
        self.note("waiting" if isinstance(error, TryLater) else "stuck", text[:500])

    async def run(self) -> None:
        """Report until it is cancelled. What can't be measured or written is not reported."""
        while True:
            for report in (self._measure_lag, self._write_report):
                try:
                    await report()
                except TryLater as error:
                    self._logger.debug("progress not reported", part=error.part)
                except Exception:
                    self._logger.exception("progress not reported")
            await asyncio.sleep(REPORT_SECONDS)

    async def _measure_lag(self) -> None:
        """Measure the lag in events, against the log's ends."""
        async with self._store.reading() as tx:
            done = {partition: at[0] for partition, at in (await offsets.progress(tx)).items()}
        owned = self._owned()
        waiting = 0
        ends: dict[Partition, int] = {}
        for topic in TOPICS:
            of_topic = {Partition(topic, n): end for n, end in (await self._log.end_offsets(topic)).items()}
            behind = lag(done, of_topic)
            for partition, count in behind.items():
                self._metrics.lag_events.set(count, topic, str(partition.number))
            waiting += sum(count for partition, count in behind.items() if partition in owned)
            if topic == INTERACTIONS and not any(behind.values()):
                self._metrics.lag_seconds.set(0.0, topic)
            ends |= of_topic
        self.records_behind = waiting
        now = asyncio.get_running_loop().time()
        if now - self._sampled_at >= SAMPLE_SECONDS:
            async with self._store.writing() as tx:
                await lag_samples.write_samples(tx, done, ends)
            self._sampled_at = now

    async def _write_report(self) -> None:
        if self._is_written:
            return
        state, error = self._state, self._error
        async with self._store.writing() as tx:
            await lag_samples.write_report(tx, self._worker, self._version, state, error)
        if (state, error) == (self._state, self._error):
            self._error, self._is_written = "", True

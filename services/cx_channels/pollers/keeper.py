"""Run the pollers that this process owns: take what nobody runs, renew, and give up what another has taken.

One transaction every third of a lease does it for all connections; what the pollers report goes with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from cx_channels.pollers.report import FAILED
from cx_channels.pollers.run import PollerRun, Surroundings
from cx_channels.pollers.source import OpenSource
from cx_channels.pollers.writes import finish
from cx_channels.provider import Connection
from cx_context.store import poller_rows
from cx_context.store.poller_rows import Place
from cx_events.cancellation import close_within
from cx_events.errors import TryLater
from cx_runtime.health import Progress

LEAVE_SECONDS = 5.0


class PollerKeeper:
    """Keeps the pollers of these connections running, in this process or another. Several may run anywhere."""

    def __init__(
        self, connections: Mapping[str, Connection], open_sources: Mapping[str, OpenSource], around: Surroundings
    ) -> None:
        """``open_sources``: by the name of the provider."""
        self._connections = connections
        self._open_sources = open_sources
        self._around = around
        self._announced = False
        self._running: dict[str, tuple[PollerRun, asyncio.Task[None]]] = {}
        self._told: dict[str, bytes] = {}

    async def run(self, progress: Progress) -> None:
        """Work until cancelled; then give all up, so that others may take it at once."""
        try:
            while True:
                try:
                    await self.turn()
                    progress.mark()
                except TryLater as error:
                    await self._drop_expired()
                    progress.tried(error)
                await asyncio.sleep(self._around.lease / 3)
        finally:
            progress.end()
            await close_within(self.close(), LEAVE_SECONDS)

    async def turn(self) -> None:
        """Take, renew, report; start and stop what changed hands. Raises ``TryLater`` where the store is away."""
        asked = self._around.steady()
        reports = self._changed_reports()
        places = await finish(self._take(reports))
        self._announced = True
        self._told |= reports
        for id, (run, task) in list(self._running.items()):
            if task.done() or id not in places or places[id].epoch != run.epoch:
                await self._stop(id)
        for id, place in places.items():
            if id not in self._running:
                self._start(id, place)
            self._running[id][0].valid_until = asked + self._around.lease
        self._measure()

    async def _take(self, reports: Mapping[str, bytes]) -> dict[str, Place]:
        async with self._around.store.writing() as tx:
            if not self._announced:
                await poller_rows.announce(tx, {id: each.tenant for id, each in self._connections.items()})
            places = await poller_rows.take(tx, list(self._connections), self._around.owner, self._around.lease)
            await poller_rows.write_reports(tx, self._around.owner, reports)
        return places

    @property
    def running(self) -> Mapping[str, PollerRun]:
        """Return what runs in this process."""
        return {id: run for id, (run, _) in self._running.items()}

    async def close(self) -> None:
        """Stop all, tell the last of them, and give them up."""
        for id in list(self._running):
            await self._stop(id)
        try:
            async with self._around.store.writing() as tx:
                await poller_rows.leave(tx, self._around.owner)
        except TryLater:
            pass  # the leases run out

    def _start(self, id: str, place: Place) -> None:
        connection = self._connections[id]
        run = PollerRun(connection, self._open_sources[connection.provider], place, self._around)
        self._running[id] = run, asyncio.create_task(run.run(), name=run.note)

    async def _stop(self, id: str) -> None:
        _, task = self._running.pop(id)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen, or asyncio complains
        self._told.pop(id, None)

    async def _drop_expired(self) -> None:
        """Stop what another process may have taken by now."""
        for id, (run, _) in list(self._running.items()):
            if self._around.steady() >= run.valid_until:
                await self._stop(id)

    def _changed_reports(self) -> dict[str, bytes]:
        reports = {id: msgspec.json.encode(run.report) for id, (run, _) in self._running.items()}
        return {id: report for id, report in reports.items() if self._told.get(id) != report}

    def _measure(self) -> None:
        for id, (run, _) in self._running.items():
            is_up = run.report.state not in FAILED and run.report.state != "connecting"
            self._around.metrics.poller_connected.set(float(is_up), id)
            if run.report.lag is not None:
                self._around.metrics.poller_lag.set(run.report.lag, id)

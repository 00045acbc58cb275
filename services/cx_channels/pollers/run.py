"""Run one connection's source: reconnect, accept what comes, and only then move its cursor."""

from __future__ import annotations

import asyncio
import random as any_random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from cx_channels.intake import Intake
from cx_channels.pollers.acceptance import accept
from cx_channels.pollers.backoff import Backoff, Pauses
from cx_channels.pollers.read_ahead import ReadAhead
from cx_channels.pollers.report import PollerReport, State
from cx_channels.pollers.source import Delivery, OpenSource, SourcePorts, Step
from cx_channels.pollers.writes import finish
from cx_channels.provider import Connection
from cx_context.store import Store, poller_rows
from cx_context.store.poller_rows import Place, PollerLost
from cx_events.errors import Fatal, Refused, TooFast, TryLater
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import Ended

AT_ONCE = 8
"""Deliveries that are stored at the same time."""
RETRIES, REFUSALS, STORING = Pauses(1.0, 120.0), Pauses(60.0, 3600.0), Pauses(0.2, 5.0)
"""Pauses after a fault, after a refusal, and while what came can't be stored."""
MOST_TOLD = 500
"""Characters of an error that are kept."""


@dataclass(frozen=True)
class Surroundings:
    """The parts that pollers need. ``owner``: a name that no other process has or had. ``lease``: seconds without
    renewal. ``now``: s since 1970; ``steady``: s, monotonic; ``random``: 0 to 1."""

    intake: Intake
    store: Store
    metrics: Metrics
    health: Health
    ports: SourcePorts
    owner: str
    lease: float = 15.0
    now: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    random: Callable[[], float] = any_random.random
    retries: Pauses = RETRIES
    refusals: Pauses = REFUSALS
    storing: Pauses = STORING


class PollerRun:
    """A poller that is ours while its lease holds: ``valid_until``, by ``Surroundings.steady``, moved by who renews."""

    def __init__(self, connection: Connection, open_source: OpenSource, place: Place, around: Surroundings) -> None:
        self.report = PollerReport()
        self.epoch = place.epoch
        self.valid_until = around.steady() + around.lease
        self._cursor = place.cursor
        self._connection = connection
        self._open_source = open_source
        self._around = around
        self._retries = Backoff(around.retries, around.random)
        self._refusals = Backoff(around.refusals, around.random)
        self._logger = structlog.get_logger("cx_channels.pollers").bind(
            connection=connection.id, provider=connection.provider
        )

    @property
    def note(self) -> str:
        """Return the name under which readiness tells of its failures."""
        return f"poller {self._connection.id}"

    async def run(self) -> None:
        """Work until cancelled, or until another process has the poller."""
        try:
            while True:
                pause = await self._try_once()
                if pause is None:
                    await asyncio.Event().wait()
                else:
                    await asyncio.sleep(pause)
        except PollerLost as lost:
            self._logger.info("a poller is another process's now", why=str(lost))
        finally:
            self._around.health.unnote(self.note)

    async def _try_once(self) -> float | None:
        """Follow the source until it fails; return the seconds until the next try, None for never."""
        try:
            await self._follow()
        except PollerLost:
            raise
        except Refused as refused:
            self._failed("refused", refused.reason, refused.detail)
            return self._refusals.pause()
        except TryLater as later:
            self._failed("retrying", later.part, later.detail)
            return self._retries.pause(later.retry_after)
        except TimeoutError as error:
            self._failed("retrying", "no-answer", str(error) or "it did not answer in time")
        except Ended:
            self._failed("retrying", "disconnected", "the other side ended the connection")
        except (OSError, EOFError) as error:
            self._failed("retrying", "no-connection", f"{type(error).__name__}: {error}")
        except Fatal as fatal:
            self._failed("stopped", "fatal", str(fatal))
            return None
        except Exception as error:  # a fault of the client: it is tried again, and told
            self._logger.exception("a poller failed")
            self._failed("retrying", "fault", f"{type(error).__name__}: {error}")
        return self._retries.pause()

    async def _follow(self) -> None:
        self.report.enter("connecting", self._around.now())
        source = self._open_source(self._connection, self._around.ports)
        reading = ReadAhead(source.steps(self._cursor))
        try:
            while True:
                async with asyncio.timeout(source.silence):
                    steps = await reading.take()
                self._heard(steps)
                await self._accept(steps)
        finally:
            await reading.close()

    def _heard(self, steps: Sequence[Step]) -> None:
        now = self._around.now()
        self.report.enter("connected", now)
        self.report.heard_at = now
        lags = [step.lag for step in steps if step.lag is not None]
        self.report.lag = lags[-1] if lags else 0.0 if not any(step.deliveries for step in steps) else self.report.lag
        for step in steps:
            if step.gap:
                self._missed(step.gap, now)
        self._retries.reset()
        self._refusals.reset()
        self._around.health.unnote(self.note)

    def _missed(self, gap: str, now: float) -> None:
        """Tell what nobody can bring back: it is the latest failure, in a state that is none."""
        self._logger.warning("a vendor's stream has a gap", why=gap)
        self.report.fail(self.report.state, "gap", gap[:MOST_TOLD], now)
        self._around.metrics.poller_failures.labels(self._connection.id, "gap").inc()

    async def _accept(self, steps: Sequence[Step]) -> None:
        """Store all deliveries, then the cursor: after a fault in between they come again, with the same ids."""
        pending = [each for step in steps for each in step.deliveries]
        count = len(pending)
        if pending:
            await self._until_stored(lambda: self._store(pending))
            self.report.accepted += count
            self.report.came_at = self._around.now()
        cursor = next((step.cursor for step in reversed(steps) if step.cursor is not None), self._cursor)
        if cursor != self._cursor:
            await self._until_stored(lambda: finish(self._move_to(cursor)))
            self._cursor = cursor
        for step in steps:
            if step.accepted is not None:
                step.accepted()
        self.report.enter("connected", self._around.now())

    async def _until_stored(self, store: Callable[[], Awaitable[None]]) -> None:
        """Try until it is done, while the lease holds. The source goes on reading meanwhile, within bounds."""
        backoff = Backoff(self._around.storing, self._around.random)
        while True:
            self._check_lease()
            try:
                await store()
                return
            except TooFast as too_fast:
                self._waits(too_fast.reason, too_fast.detail)
                await asyncio.sleep(backoff.pause(too_fast.retry_after))
            except TryLater as later:
                self._waits(later.part, later.detail)
                await asyncio.sleep(backoff.pause())

    async def _store(self, pending: list[Delivery]) -> None:
        """Accept what is pending, in order but for a few at once, and leave what could not be."""
        around = self._around
        while pending:
            some = pending[:AT_ONCE]
            storing = (accept(around.intake, around.metrics, self._connection, each) for each in some)
            found = await asyncio.gather(*storing, return_exceptions=True)
            failed = [each for each, result in zip(some, found, strict=True) if result is not None]
            pending[: len(some)] = failed
            for result in found:
                if result is not None:
                    raise result
            self._check_lease()

    async def _move_to(self, cursor: bytes) -> None:
        around = self._around
        async with around.store.writing() as tx:
            await poller_rows.move_cursor(tx, self._connection.id, around.owner, self.epoch, cursor)

    def _check_lease(self) -> None:
        if self._around.steady() >= self.valid_until:
            raise PollerLost(f"{self._connection.id}: its lease could not be renewed")

    def _waits(self, reason: str, detail: str) -> None:
        self.report.fail("waiting", reason, detail[:MOST_TOLD], self._around.now())

    def _failed(self, state: State, reason: str, detail: str) -> None:
        detail = " ".join(detail.split())[:MOST_TOLD]
        told = self._logger.warning if state == "retrying" else self._logger.error
        told("a poller is off", state=state, reason=reason, why=detail)
        self.report.fail(state, reason, detail, self._around.now())
        self._around.metrics.poller_failures.labels(self._connection.id, reason).inc()
        self._around.health.note(self.note, f"{state}: {reason}: {detail}")

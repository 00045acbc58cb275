"""Send the records of a replay, from where its state says, and keep the state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from cx_events.errors import CxError, Refused, TryLater
from cx_events.log import Log, LogRecord
from cx_events.log.merged_reader import MergedReader
from cx_ops.replay.pacing import Pacer
from cx_ops.replay.plan import READ_BYTES, READ_RECORDS
from cx_ops.replay.selection import Selection, Test, every_record
from cx_ops.replay.state import ReplayState, ReplayStates
from cx_ops.replay.targets import Target
from cx_runtime.pace import Pace
from cx_runtime.patience import patiently

SETTLE_SECONDS = 1.0
"""Between two written states: a run that is killed sends so much again, or cuts it off its file."""
HTTP_RECORDS = 20
_LONGEST_SLEEP = 0.5


class Cancelled(Exception):
    """An operator wants no more of it."""


class Replay:
    """One run. ``state`` was written already, and its lock is held. ``step``: records between two looks at what
    operators want."""

    def __init__(
        self,
        log: Log,
        wanted: Test,
        target: Target,
        states: ReplayStates,
        state: ReplayState,
        *,
        step: int = READ_RECORDS,
        report: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._log = log
        self._wanted = wanted
        self._target = target
        self._states = states
        self.state = state
        self._pace = Pace(state.asked.rate)
        self._pacer = Pacer(state.asked.speed)
        self._step = self._pace.most_at_once(step)
        self._report = report
        self._settled = time.monotonic()
        self._durable = _copy(state)
        """The state as it was written last: what it counts, the target has for good."""

    async def run(self) -> ReplayState:
        """Send all that is left, and return the state. Raises ``TryLater``, ``Refused`` once the state says why."""
        state = self.state
        state.phase, state.error = "running", ""
        try:
            await self._target.open(state.size)
            await self._work()
            state.phase = "done"
        except Cancelled:
            state.phase = "cancelled"
        except CxError as error:
            state.phase, state.error = "failed", str(error)
            raise
        finally:
            await self._close()
        return state

    async def _work(self) -> None:
        try:
            await self._send_all()
        except Cancelled:
            await self._settle()
            raise
        except CxError:
            with suppress(CxError):
                await self._settle()
            raise
        await self._settle()
        await self._target.finish()

    async def _close(self) -> None:
        """Write how far the target got for good: what it took since it was settled, it may not have."""
        state, durable = self.state, self._durable
        state.places, state.size = dict(durable.places), durable.size
        state.read, state.sent, state.bytes = durable.read, durable.sent, durable.bytes
        await self._target.close()
        await asyncio.to_thread(self._states.write, state)

    async def _send_all(self) -> None:
        state = self.state
        selection = Selection(state.asked.topic, state.places, state.ends)
        reader = MergedReader(self._log, selection.partitions(state.places), selection.partitions(state.ends))

        def read_on() -> asyncio.Task[list[LogRecord]]:
            return asyncio.create_task(patiently(partial(reader.read, self._step, READ_BYTES)))

        coming = read_on()
        try:
            while records := await coming:
                coming = read_on()  # the next are read while the target takes these
                await self._send(records)
                if time.monotonic() - self._settled > SETTLE_SECONDS:
                    await self._settle()
                self._report(state.read)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await reader.close()

    async def _send(self, records: Sequence[LogRecord]) -> None:
        if self._states.is_to_cancel(self.state.id):
            raise Cancelled
        if self.state.asked.speed is None:
            await self._hand_over(records)
            return
        begin = 0
        for at, record in enumerate(records):
            while (left := self._pacer.seconds_left(record.timestamp)) > 0:
                await self._hand_over(records[begin:at])
                begin = at
                if self._states.is_to_cancel(self.state.id):
                    raise Cancelled
                await asyncio.sleep(min(left, _LONGEST_SLEEP))
        await self._hand_over(records[begin:])

    async def _hand_over(self, records: Sequence[LogRecord]) -> None:
        if not records:
            return
        state = self.state
        wanted = records if self._wanted is every_record else [record for record in records if self._wanted(record)]
        if wanted:
            await patiently(partial(self._target.send, wanted), is_outage=_is_of_log)
        state.places.update({record.partition: record.offset + 1 for record in records})
        state.read += len(records)
        state.sent += len(wanted)
        state.bytes += sum(len(record.value) for record in wanted)
        await self._pace.keep(len(wanted))

    async def _settle(self) -> None:
        """Make durable what was sent, then say so. A file to which a write failed raises again."""
        self.state.size = await self._target.settle()
        await asyncio.to_thread(self._states.write, self.state)
        self._durable = _copy(self.state)
        self._settled = time.monotonic()


def _is_of_log(error: TryLater) -> bool:
    # A receiver was tried often enough by its target; a full disk does not empty by waiting.
    return error.part == "log"


def _copy(state: ReplayState) -> ReplayState:
    return replace(state, places=dict(state.places))


def check_resumable(state: ReplayState) -> None:
    """Raise ``Refused("replay-over", 409)`` for a replay that is done or cancelled."""
    if state.phase in ("done", "cancelled"):
        raise Refused("replay-over", f"the replay {state.id} is {state.phase}; begin another one", 409)

"""Hold a rebuild for one process: a lease that is renewed, and what operators asked for meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from cx_context.store import Store, rebuild_rows
from cx_context.store.rebuild_rows import RebuildLost
from cx_context.store.sql import Tx
from cx_events.errors import TryLater
from cx_ops.rebuild.record import CONTEXT, Act, Phase, RebuildRecord, decode, encode, phase_of

LEASE_SECONDS = 15.0


class Interrupted(Exception):
    """An operator asked the work to stop: ``wanted`` is ``pause`` or ``cancel``."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class Ownership:
    """The right to work on the rebuild, at ``epoch``. ``record`` is what was written last."""

    def __init__(self, store: Store, epoch: int, phase: Phase, record: RebuildRecord) -> None:
        self._store = store
        self.epoch = epoch
        self.phase: Phase = phase
        self.record = record
        self._wanted = ""
        self._lost: RebuildLost | None = None
        self._renewed = time.monotonic()

    async def watch(self) -> None:
        """Raise ``Interrupted`` where an operator wants the work to stop, ``RebuildLost`` where it is another's now."""
        if self._lost is not None:
            raise self._lost
        if time.monotonic() - self._renewed > LEASE_SECONDS:
            await self._renew()
        if self._wanted:
            raise Interrupted(self._wanted)

    async def has_ended(self) -> bool:
        """Return whether this process's own work is over in the store, and take over how it ended. Raises
        ``RebuildLost``."""
        async with self._store.reading() as tx:
            row = await rebuild_rows.read(tx, CONTEXT)
        if row is None or row.epoch != self.epoch:
            raise RebuildLost("another process has taken the rebuild over")
        if row.owner:
            return False
        self.phase, self.record = phase_of(row.phase), decode(row.body)
        return True

    async def save(self, record: RebuildRecord, phase: Phase | None = None, *acts: Act, ends: bool = False) -> None:
        """Write the record with further acts, and the phase where it changes. Raises ``RebuildLost``, ``TryLater``."""
        phase = phase or self.phase
        async with self._store.writing() as tx:
            record = await self.save_in(tx, record, phase, *acts, ends=ends)
        self.record, self.phase = record, phase

    async def save_in(
        self, tx: Tx, record: RebuildRecord, phase: Phase, *acts: Act, ends: bool = False
    ) -> RebuildRecord:
        """Write them in a transaction, with further acts; return the record, which counts once that is committed. What
        others noted meanwhile is kept."""
        row = await rebuild_rows.read(tx, CONTEXT, locked=True)
        record = replace(record, acts=decode(row.body).acts) if row is not None else record
        for act in acts:
            record = record.noting(act)
        await rebuild_rows.save(tx, CONTEXT, self.epoch, phase, encode(record), ends=ends)
        return record

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Renew the lease as long as the block lasts."""
        renewing = asyncio.create_task(self._keep_renewing())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _keep_renewing(self) -> None:
        while self._lost is None:
            try:
                await self._renew()
            except (TryLater, RebuildLost):
                pass  # ``watch`` asks again, or tells
            await asyncio.sleep(1.0)

    async def _renew(self) -> None:
        try:
            async with self._store.writing() as tx:
                self._wanted = await rebuild_rows.renew(tx, CONTEXT, self.epoch, LEASE_SECONDS)
        except RebuildLost as lost:
            self._lost = lost
            raise
        self._renewed = time.monotonic()

"""A batch applied, whatever it takes: alone where a copy must replace another, again where writers met."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from cx_context.store import Store
from cx_context.store.leases import Fenced, Held
from cx_context.store.port import Contention
from cx_events.log import Partition
from cx_projectors.apply import Applied, MustBeAlone, MustReplace, Tenancy, apply_batch, remember
from cx_projectors.batch import Batch
from cx_projectors.memory import Memory
from cx_projectors.refold import apply_alone

MOST_TRIES = 50


class Applier:
    """One worker's hands: its store, its name, what it remembers."""

    def __init__(self, store: Store, worker: str, tenants: Mapping[str, Tenancy]) -> None:
        self._store = store
        self.worker = worker
        self._tenants = tenants
        self.memory = Memory()
        self.contentions = 0
        self.replacements = 0

    async def apply(self, batch: Batch, held: Mapping[Partition, Held]) -> Applied:
        """Apply a batch once. Afterwards the positions stand at ``batch.positions``.

        ``Fenced``: we own a partition no more, or must take it anew, after a replacement too: nothing is remembered and
        ``held`` is void, but what was applied stays applied. ``TryLater``: the store does not answer, or other writers
        were in the way for too long; nothing was applied.
        """
        alone = False
        for attempt in range(MOST_TRIES):
            try:
                async with self._store.writing() as tx:
                    applied = await apply_batch(
                        tx, batch, held, self.memory, self._tenants, worker=self.worker, alone=alone
                    )
            except MustBeAlone:
                self.memory.clear()
                alone = True
            except MustReplace:
                self.memory.clear()
                return await self._replace(batch, held)
            except Contention:
                self.memory.clear()
                self.contentions += 1
                if attempt == MOST_TRIES - 1:
                    raise
                await asyncio.sleep(random.uniform(0, min(0.01 * 2**attempt, 1.0)))  # noqa: S311
            except BaseException:
                self.memory.clear()
                raise
            else:
                remember(self.memory, applied)
                return applied
        raise AssertionError("unreachable: the last try returns or raises")

    async def _replace(self, batch: Batch, held: Mapping[Partition, Held]) -> Applied:
        async with self._store.writing() as tx:
            await apply_alone(tx, batch, held, self._tenants, worker=self.worker)
        self.replacements += 1
        raise Fenced("a copy of an event replaced another: everything is read anew")

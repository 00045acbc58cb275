"""Lists and search, written from what batches leave, hold what the definition makes of all contexts."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.projection import in_partitions, lists_of, verified, workers
from tests.stores import sqlite_store

from cx_context.store import Store, listing_queue, open_store
from cx_events.stamp import StampedEvent
from cx_events.testing.histories import histories

pytestmark = pytest.mark.clock


async def waiting(store: Store) -> set[bytes]:
    async with store.reading() as tx:
        return await listing_queue.unlisted(tx)


@examples(15)
@given(history=histories(), data=st.data())
def test_lists_in_any_order_equal_the_definition(history: list[StampedEvent], data: st.DataObject) -> None:
    history = data.draw(st.permutations(history))

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(sqlite_store(Path(folder)))
            await store.start()
            try:
                logs = in_partitions(history, data.draw(st.integers(1, 4)))
                team = await workers(store, logs, data.draw(st.integers(1, 2)))
                keepers = [lists_of(store, f"lists-{number}") for number in range(2)]
                while any(worker.behind for worker in team):
                    await data.draw(st.sampled_from([worker for worker in team if worker.behind])).step(
                        data.draw(st.integers(1, 8))
                    )
                    if data.draw(st.integers(0, 2)) == 0:
                        await data.draw(st.sampled_from(keepers)).step()
                        assert (await verified(store, logs)).wrong == []
                await _expire_lease(store)
                await keepers[0].drain()
                assert await waiting(store) == set()
                assert (await verified(store, logs)).wrong == []
            finally:
                await store.stop()

    asyncio.run(run())


async def _expire_lease(store: Store) -> None:
    async with store.writing() as tx:
        await tx.execute("UPDATE listing_lease SET leased_until = 0")

"""Lists and search, written from what batches leave, hold what the definition makes of all contexts."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.patience import PATIENCE
from tests.projection import in_partitions, lists_of, verified, workers
from tests.stores import sqlite_store

from cx_context.store import Store, listing_queue, open_store
from cx_context.store.sql import Tx
from cx_events.stamp import StampedEvent
from cx_events.testing.histories import histories
from cx_projectors.listing import worker as listing_worker
from cx_runtime.health import Health

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


class Counted:
    """A store that counts the transactions in which somebody may write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.written = 0

    def writing(self) -> AbstractAsyncContextManager[Tx]:
        self.written += 1
        return self._store.writing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_what_comes_while_lists_rest_is_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_worker, "LEAST_REST", 1.0)
    store = open_store(sqlite_store(tmp_path))
    await store.start()
    counted = Counted(store)
    lists = lists_of(cast(Store, counted), "lists")

    async def leave(number: int) -> None:
        async with store.writing() as tx:
            await listing_queue.write(tx, "acme", [number.to_bytes(16, "big")])
        lists.wake()

    async def until_listed() -> None:
        async with asyncio.timeout(PATIENCE):
            while await waiting(store):
                await asyncio.sleep(0.005)

    await lists.drain()
    running = asyncio.create_task(lists.run(Health()))
    try:
        await leave(1)
        await until_listed()
        before = counted.written
        for number in range(2, 8):
            await leave(number)
        await until_listed()
        assert counted.written - before == 1
    finally:
        running.cancel()
        await asyncio.wait([running])
        await store.stop()

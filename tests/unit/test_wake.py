"""A reader that waits to be woken."""

from __future__ import annotations

import asyncio

import pytest
from tests.patience import PATIENCE

from cx_events.log.wake import Wake


async def test_a_wait_cancelled_as_it_is_woken_ends() -> None:
    wake = Wake()

    async def read_for_ever() -> None:
        while True:
            await wake.wait(60.0)
            wake.clear()

    reading = asyncio.create_task(read_for_ever())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    wake()
    await asyncio.sleep(0)  # woken, and not run since
    reading.cancel()
    done, _ = await asyncio.wait({reading}, timeout=PATIENCE)
    assert done == {reading}
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_a_wait_ends_after_its_seconds() -> None:
    await Wake().wait(0.001)

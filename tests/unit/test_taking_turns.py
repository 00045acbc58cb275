"""Work of many pieces in the event loop lets others have their turn."""

from __future__ import annotations

import asyncio

from cx_context.store.latest_events import decode_facts
from cx_events.testing.builders import ACME, an_event

EVENTS = 200


async def test_others_have_turns_while_a_page_is_decoded() -> None:
    raws = [an_event(id=f"e-{number}").raw for number in range(EVENTS)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    try:
        await asyncio.sleep(0)
        before = turns
        facts = await decode_facts(raws, ACME)
        assert [fact.event.id for fact in facts] == [f"e-{number}" for number in range(EVENTS)]
        assert turns - before >= 3
    finally:
        beside.cancel()
        await asyncio.wait([beside])

"""Timelines, conversations and threads in pages."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api import Running, names, running_api
from tests.stores import sqlite_store

from cx_context.store import open_store
from cx_context.store.events import insert_events
from cx_context.store.latest_events import read_facts_before
from cx_context.store.ownership import IncludedPart, Ownership
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, an_event, fact_of
from cx_runtime.cursors import encode_cursor

ANA = ACME.profile("email", "", "ana@example.com")
HISTORY = (
    an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice " + "x" * 500),
    an_event(
        "cx.message.sent.v1",
        id="m-2",
        at=START + SECOND,
        role="agent",
        name="Ben",
        interaction="chat-42",
        text="Let me see",
        data={"agent": {"id": "agent-7", "name": "Ben"}},
    ),
    an_event("cx.interaction.ended.v1", id="m-3", at=START + MINUTE, email="ana@example.com", interaction="chat-42"),
    an_event(
        "cx.interaction.started.v1",
        id="c-1",
        at=START + HOUR,
        email="ana@example.com",
        interaction="call-1",
        channel="voice",
    ),
    an_event(
        id="p-1", at=START + 200 * HOUR, email="ana@example.com", interaction="mail-1", channel="email", text="Parcel?"
    ),
)


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url) as running:
        await running.happen(*HISTORY)
        yield running


async def pages(hub: Running, path: str, limit: int) -> list[dict[str, Any]]:
    """All items, by following the cursors."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await hub.get(f"{path}?limit={limit}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        assert page["items"]
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_the_timeline_pages_through_everything_newest_first(hub: Running, limit: int) -> None:
    items = await pages(hub, f"/v1/customers/{text_of(ANA)}/timeline", limit)
    assert names(items) == ["p-1", "c-1", "m-3", "m-2", "m-1"]
    assert items[0]["channel"] == "email"
    assert items[0]["text"] == "Parcel?"


async def test_conversations_come_in_pages_those_active_last_first(hub: Running) -> None:
    path = f"/v1/customers/{text_of(ANA)}/conversations"
    one_by_one = await pages(hub, path, 1)
    assert [sorted(j["interaction"] for j in c["joined"]) for c in one_by_one] == [["mail-1"], ["call-1", "chat-42"]]
    assert one_by_one == await pages(hub, path, 50)


async def test_a_conversation_is_found_by_id_and_alias(hub: Running) -> None:
    body = await hub.body("email:ana@example.com")
    conversation = next(c for c in body["conversations"] if len(c["joined"]) == 2)
    assert conversation["channels"] == ["chat", "voice"]
    assert conversation["aliases"]
    for id in (conversation["id"], *conversation["aliases"]):
        answer = (await hub.get(f"/v1/conversations/{id}")).json()
        assert answer["conversation"] == conversation
        assert answer["customer"] == body["customer"]["id"]
        assert names(answer["items"]) == ["c-1", "m-3", "m-2", "m-1"]
    first, reply = answer["items"][-1], answer["items"][-2]
    assert first["text"].endswith("x" * 500)
    assert (reply["name"], reply["agent"]) == ("Ben", {"id": "agent-7", "name": "Ben"})
    assert await pages(hub, f"/v1/conversations/{conversation['id']}", 1) == answer["items"]


async def test_a_cursor_is_for_its_own_list_alone(hub: Running) -> None:
    timeline = f"/v1/customers/{text_of(ANA)}/timeline"
    conversations = f"/v1/customers/{text_of(ANA)}/conversations"
    cursor = (await hub.get(f"{timeline}?limit=1")).json()["next"]
    far = encode_cursor("timeline", (1 << 63, "", 0, 0, "", ""))
    for path, cursor_given in (
        (conversations, cursor),
        (timeline, "x"),
        (timeline, "!!"),
        (timeline, "%00"),
        (timeline, "A" * 20_000),
        (timeline, far),
        ("/v1/identity/candidates", cursor),
    ):
        answer = await hub.get(f"{path}?cursor={cursor_given}")
        assert (answer.status_code, answer.json()["reason"]) == (400, "bad-cursor"), cursor_given[:40]
    for limit in ("0", "201", "-1", "ten", "1e1", "99999999999999999999"):
        answer = await hub.get(f"{timeline}?limit={limit}")
        assert (answer.status_code, answer.json()["reason"]) == (400, "bad-limit")


@st.composite
def tied(draw: st.DrawFn) -> list[StampedEvent]:
    """Events of one customer with two profiles, many at one time."""
    moments = draw(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=25))
    return [
        an_event(
            id=f"e-{number}",
            at=START + moment * SECOND,
            email="ana@example.com",
            crm="C-1" if strong else "",
            interaction=f"chat-{number % 3}",
        )
        for number, (moment, strong) in enumerate(moments)
    ]


@settings(max_examples=25, deadline=None)
@given(history=tied(), limit=st.integers(1, 6), borrows=st.booleans(), lends=st.integers(0, 2))
def test_pages_hold_simultaneous_events_once(
    history: Sequence[StampedEvent], limit: int, borrows: bool, lends: int
) -> None:
    """``borrows``: of the last stream by its sides, not whole; ``lends``: how many sides of the others are not ours."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(sqlite_store(Path(folder)))
            await store.start()
            facts = [fact_of(stamped) for stamped in history]
            stream_ids = sorted({fact.stream_id for fact in facts})
            spans: dict[bytes, list[Fact]] = {}
            for fact in facts:
                if borrows and fact.stream_id == stream_ids[-1]:
                    spans.setdefault(fact.part_id, []).append(fact)
            excluded = frozenset(sorted({fact.part_id for fact in facts} - spans.keys())[:lends])
            own = Ownership(
                stream_ids[:-1] if borrows else stream_ids,
                excluded,
                [
                    IncludedPart(
                        part_id, stream_ids[-1], min(f.effective for f in side), max(f.effective for f in side)
                    )
                    for part_id, side in spans.items()
                ],
            )
            async with store.writing() as tx:
                await insert_events(
                    tx,
                    [
                        (f.key, "acme", f.stream_id, f.part_id, f.effective, f.recorded, None, f.raw)
                        for f in sorted(facts, key=lambda fact: fact.key)
                    ],
                )
            seen = []
            before = None
            async with store.reading() as tx:
                while page := await read_facts_before(tx, ACME, own, limit, before):
                    assert len(page) <= limit
                    seen += page
                    before = page[-1].order
            await store.stop()
        ours = [fact.order for fact in facts if fact.part_id not in excluded]
        assert [fact.order for fact in seen] == sorted(ours, reverse=True)

    asyncio.run(run())

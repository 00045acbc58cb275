"""An interaction that comes to an agent or a queue pops the customer's context; what leaves is told, too."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.api import KEYS, Running, running_api
from tests.integration.test_following import listening
from tests.sse import Stream, following

from cx_context.routing_targets import RoutingTarget
from cx_context.store import assignments
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_decision, an_event

ANA, PHONE = ACME.profile("email", "", "ana@example.com"), ACME.profile("phone", "", "+15550100123")
BEN, BILLING = {"id": "ben", "name": "Ben"}, {"id": "q-billing", "name": "Billing"}


def step(number: int, what: str, interaction: str = "call-1", *, named: bool = True, **data: Any) -> StampedEvent:
    who = {"phone": "+15550100123"} if named else {}
    return an_event(
        f"cx.interaction.{what}.v1",
        id=f"{interaction}-{number}",
        channel="voice",
        interaction=interaction,
        at=START + number * SECOND,
        data=data,
        **who,  # type: ignore[arg-type]
    )


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, heartbeat=60.0) as hub:
        yield hub


def desk(hub: Running, query: str, last_id: str = "", key: str = "reader") -> AbstractAsyncContextManager[Stream]:
    return following(hub.url, f"/v1/stream?{query}", KEYS[key], last_id)


async def test_an_interaction_that_is_offered_pops_the_customers_context(hub: Running) -> None:
    async with desk(hub, "agent=ben") as ben, desk(hub, "agent=carla") as carla:
        assert (await ben.next()).data == {"assignments": [], "more": False}
        await carla.next()
        await listening(hub)
        await hub.noticed(step(0, "started"))
        assert await ben.silence(0.2) == []
        await hub.noticed(step(1, "routed", agent=BEN, named=False))  # as a call centre's later reports: by the call
        popped = await ben.next()
        assert popped.name == "assignment"
        assert (popped.data["interaction"], popped.data["why"], popped.data["agent"]) == ("call-1", "offered", BEN)
        assert popped.data["customer"] == text_of(PHONE)
        read = await hub.get(f"/v1/customers/{text_of(PHONE)}/context")
        assert popped.data["context"]["body"] == read.json()["body"]
        await hub.noticed(step(2, "answered", agent=BEN, named=False))
        assert (await ben.next()).data["why"] == "answered"
        await hub.noticed(step(3, "ended"))  # told by the caller's own side
        released = await ben.next()
        assert (released.name, released.data["interaction"]) == ("released", "call-1")
        assert await carla.silence(0.2) == []


async def test_imported_history_is_marked_as_late(hub: Running) -> None:
    now = time.time_ns() // 1000
    async with desk(hub, "agent=ben") as ben:
        assert (await ben.next()).name == "live"
        await listening(hub)
        for years, name in ((3, "call-old"), (0, "call-new")):
            at = now - years * 365 * 24 * HOUR
            routed = an_event(
                "cx.interaction.routed.v1", id=name, channel="voice", interaction=name, at=at,
                email="ana@example.com", data={"agent": BEN},
            )  # fmt: skip
            await hub.noticed(routed)
            told = (await ben.next("assignment")).data
            assert (told["interaction"], told.get("late", False)) == (name, bool(years))
    async with desk(hub, "agent=ben") as again:
        found = [(await again.next("assignment")).data for _ in range(2)]
        assert ["late" in each for each in found] == [False, False], "what was there before is no news"


async def test_a_resumed_stream_sends_only_new_assignments(hub: Running) -> None:
    await hub.happen(*(step(n, "routed", f"call-{n}", agent=BEN) for n in range(3)))
    async with desk(hub, "agent=ben") as ben:
        names = [(await ben.next("assignment")).data["interaction"] for _ in range(3)]
        assert names == ["call-2", "call-1", "call-0"], "that which was active last comes first"
        live = await ben.next()
        assert live.name == "live"
        last = live.id
    await hub.happen(step(5, "routed", "call-5", agent=BEN), step(6, "ended", "call-1"))
    async with desk(hub, "agent=ben", last) as ben:
        assert (await ben.next()).data["interaction"] == "call-5"
        live = await ben.next()
        assert live.name == "live"
        assert {one["interaction"] for one in live.data["assignments"]} == {"call-0", "call-2", "call-5"}
        assert await ben.silence(0.2) == []


async def test_a_queue_shows_its_waiting_interactions(hub: Running) -> None:
    async with desk(hub, "queue=q-billing") as queue:
        await queue.next("live")
        await listening(hub)
        await hub.noticed(step(0, "queued", queue=BILLING))
        popped = await queue.next()
        assert (popped.name, popped.data["why"], popped.data["queue"]) == ("assignment", "queued", BILLING)
        await hub.noticed(step(1, "answered", queue=BILLING, agent=BEN))
        assert (await queue.next()).name == "released"


async def test_an_identified_customer_is_assigned_again(hub: Running) -> None:
    await hub.happen(an_event(id="m-1", email="ana@example.com", text="hello", interaction="chat-1"))
    async with desk(hub, "agent=ben") as ben:
        await ben.next("live")
        await listening(hub)
        await hub.noticed(step(0, "routed", agent=BEN))
        assert (await ben.next()).data["customer"] == text_of(PHONE)
        merged = {"agent": BEN, "reason": "she said so", "identity": {"a": text_of(ANA), "b": text_of(PHONE)}}
        await hub.noticed(a_decision("cx.identity.merged.v1", id="d-1", about=ANA, at=START + HOUR, data=merged))
        told = {(event.name, event.data["customer"]) for event in (await ben.next(), await ben.next())}
        assert len(told) == 2
        assert {name for name, _ in told} == {"assignment", "released"}


async def test_a_lost_hint_only_delays_a_routing_target(tmp_path: Path, store_url: str) -> None:
    async with running_api(tmp_path, store_url, heartbeat=0.3) as hub, desk(hub, "agent=ben") as ben:
        await ben.next("live")
        await hub.happen(step(0, "routed", agent=BEN))
        assert (await ben.next()).name == "assignment"


async def test_routing_targets_of_tenants_are_kept_apart(hub: Running) -> None:
    await hub.happen(step(0, "routed", agent=BEN))
    async with desk(hub, "agent=ben", key="other") as other:
        assert (await other.next()).data["assignments"] == []


@pytest.mark.parametrize("query", ["", "queue=", "agent=", "agent=%00", f"agent={'x' * 281}"])
async def test_one_routing_target_must_be_named(hub: Running, query: str) -> None:
    async with desk(hub, query) as refused:
        assert (refused.status, refused.problem["reason"]) == (400, "bad-query")


async def test_the_table_of_assignments_holds_only_live_interactions(hub: Running) -> None:
    async def held() -> set[tuple[str, str]]:
        async with hub.store.reading() as tx:
            return {tuple(desk) for _, desk in await assignments.all_of(tx, "acme")}  # type: ignore[misc]

    await hub.happen(step(0, "queued", queue=BILLING))
    assert await held() == {("queue", "q-billing")}
    await hub.happen(step(1, "answered", queue=BILLING, agent=BEN))
    assert await held() == {("agent", "ben")}
    earlier = an_event(
        "cx.interaction.answered.v1", id="call-1-1", channel="voice", interaction="call-1", phone="+15550100123",
        at=START + SECOND, recorded=START, data={"agent": {"id": "carla"}},
    )  # fmt: skip
    await hub.happen(earlier)  # a copy that was recorded before replaces the other
    assert await held() == {("agent", "carla")}
    await hub.happen(step(4, "ended"))
    assert await held() == set()
    assert RoutingTarget("agent", "ben") == ("agent", "ben")


async def test_a_handoff_without_a_target_is_unassigned(hub: Running) -> None:
    """Though it is told by the call alone, and the customer's own side was in another queue before."""
    steps = [step(0, "started"), step(1, "queued", queue=BILLING), step(2, "answered", agent=BEN)]
    async with desk(hub, "queue=unassigned") as queue:
        await queue.next("live")
        await listening(hub)
        await hub.noticed(*steps)
        assert await queue.silence(0.2) == []
        at = START + 3 * SECOND
        asked = an_event("cx.handoff.requested.v1", id="asked", interaction="call-1", at=at, data={"reason": "angry"})
        await hub.noticed(asked)
        popped = await queue.next("assignment")
        assert (popped.data["interaction"], popped.data["why"]) == ("call-1", "handoff")
        assert popped.data["customer"] == text_of(PHONE)
        await hub.noticed(step(4, "answered", agent={"id": "carla"}))
        assert (await queue.next()).name == "released"


async def test_a_crm_fact_has_no_routing_target(hub: Running) -> None:
    case = {"interaction": "crm/case-7", "channel": "crm", "email": "ana@example.com"}
    await hub.happen(an_event("cx.interaction.queued.v1", id="case-7", data={"queue": BILLING}, **case))
    async with desk(hub, "queue=q-billing") as queue:
        assert (await queue.next()).data == {"assignments": [], "more": False}

"""Test what a reader may rely on at every moment: the version of an id never falls, and one version is one body.

A version is of a customer, so (customer, version) names a body for good: that is what an ETag and a stream rest on.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.projection import WINDOW, Worker, in_partitions, workers
from tests.stores import sqlite_store

from cx_context.document import context_body, encode_body
from cx_context.store import Store, open_store
from cx_context.store.all_tables import METADATA
from cx_context.store.context_loader import load_known
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_events.envelope import Identifier
from cx_events.ids import NodeId, text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event
from cx_events.testing.histories import facts_of, histories
from cx_identity.candidates import candidate_id
from cx_identity.evidence import links_of

EXAMPLE = settings(deadline=None, suppress_health_check=list(HealthCheck))


def ids_of_people(history: Sequence[StampedEvent]) -> set[NodeId]:
    """The profile of every identifier that a copy names."""
    return {profile.id for fact in facts_of(history) for profile in links_of(fact, ACME).profiles}


def ids_in(history: Sequence[StampedEvent]) -> list[NodeId]:
    """Every id that may ever answer: of people, of interactions, and of events that name neither."""
    facts = facts_of(history)
    return sorted(ids_of_people(history) | {id for fact in facts for id in (fact.stream_id, fact.interaction_node)})


def ids_that_may_go(history: Sequence[StampedEvent]) -> set[NodeId]:
    """Ids that copies gave which others may replace: nobody is left where the copy that counts names somebody else."""
    copies: dict[bytes, set[bytes]] = {}
    for fact in facts_of(history):
        copies.setdefault(fact.key, set()).add(fact.raw)
    several = [stamped for stamped, fact in zip(history, facts_of(history), strict=True) if len(copies[fact.key]) > 1]
    return ids_of_people(several) | {fact.stream_id for fact in facts_of(several)}


@dataclass
class Witness:
    """A reader that remembers all it ever saw, and fails at the first thing that a reader must never see."""

    store: Store
    history: Sequence[StampedEvent]
    versions: dict[NodeId, int] = field(default_factory=dict)
    bodies: dict[tuple[NodeId, int], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ids = ids_in(self.history)
        self._may_go = ids_that_may_go(self.history)

    async def look(self) -> None:
        """Read every id in one state of the store."""
        async with self.store.reading() as tx:
            for id in self._ids:
                found = await find_node(CurrentGraph(tx, "acme"), id)
                if found is None:
                    gone = id in self.versions and id not in self._may_go
                    assert not gone, f"{id.hex()} answered once and does no more"
                    continue
                before = self.versions.get(id, 0)
                assert found.version >= before, f"{id.hex()} fell from version {before} to {found.version}"
                self.versions[id] = found.version
                known = await load_known(tx, ACME, found.customer)
                body = encode_body(context_body(known, WINDOW))
                seen = self.bodies.setdefault((found.customer, found.version), body)
                assert body == seen, f"{found.customer.hex()} has two bodies at version {found.version}"


async def one_by_one(store: Store, history: Sequence[StampedEvent]) -> None:
    """Apply events in this order, each alone, and look after each."""
    witness = Witness(store, history)
    (worker,) = await workers(store, in_partitions(history, 1), 1)
    while worker.behind:
        await worker.step(1)
        await witness.look()


async def on_sqlite(run: Callable[[Store], Awaitable[None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(sqlite_store(Path(folder)))
        await store.start()
        try:
            await run(store)
        finally:
            await store.stop()


async def test_an_event_without_interaction_raises_its_customers_version() -> None:
    history = [
        an_event(id="m-0", cookie="c-1", interaction="chat-1"),
        an_event(id="m-1", cookie="c-1", email="ana@example.com", interaction="chat-1", at=START + SECOND),
        an_event(id="m-2", email="ana@example.com", at=START + 2 * SECOND),
    ]
    await on_sqlite(lambda store: one_by_one(store, history))


async def test_a_first_mention_raises_the_version_of_earlier_decisions() -> None:
    nobody_yet = Identifier(kind="email", value="noreply@example.com")
    history = [
        a_decision(
            "cx.conversation.topic.v1",
            id="d-1",
            about=ACME.profile("email", "", nobody_yet.value),
            data={"topic": "billing", "interaction": "chat-1", "agent": {"id": "agent-1"}},
        ),
        an_event(id="m-1", crm="C-1", identifiers=[nobody_yet], interaction="chat-2", at=START + SECOND),
    ]
    await on_sqlite(lambda store: one_by_one(store, history))


async def test_a_profile_spoken_of_before_keeps_its_version() -> None:
    ana = ACME.profile("email", "", "ana@example.com")
    history = [
        *(
            a_decision(
                "cx.conversation.topic.v1",
                id=f"d-{number}",
                about=ana,
                at=START + number * SECOND,
                data={"topic": "billing", "interaction": "chat-1", "agent": {"id": "agent-1"}},
            )
            for number in range(3)
        ),
        an_event(id="m-0", cookie="c-1", interaction="chat-2", at=START + 3 * SECOND),
        an_event(id="m-1", cookie="c-1", email="ana@example.com", interaction="chat-2", at=START + 4 * SECOND),
    ]
    await on_sqlite(lambda store: one_by_one(store, history))


async def test_a_refused_claim_is_a_candidate_until_dismissed() -> None:
    ana, ben, cookie = "ana@example.com", "ben@example.com", ACME.profile("cookie", "", "c-1")
    dismissed = {"identity": {"candidate": text_of(candidate_id(cookie))}}
    history = [
        an_event(id="a", crm="C-1", email=ana, weight="asserted", interaction="chat-1", text="Ana"),
        an_event(id="b", crm="C-2", email=ben, weight="asserted", interaction="chat-2", text="Ben"),
        an_event(id="c", email=ana, cookie="c-1", weight="claimed", at=START + SECOND),
        an_event(id="d", email=ben, cookie="c-1", weight="claimed", at=START + 2 * SECOND),
        a_decision("cx.identity.candidate_dismissed.v1", id="n", about=cookie, at=START + 3 * SECOND, data=dismissed),
    ]

    async def run(store: Store) -> None:
        witness = Witness(store, history)
        (worker,) = await workers(store, in_partitions(history, 1), 1)
        seen: list[list[tuple[int, list[str]]]] = []
        for _ in history:
            await worker.step(1)
            await witness.look()
            seen.append([await asked_about(store, ACME.profile("email", "", who)) for who in (ana, ben)])
        assert [[yours for _, yours in both] for both in seen[2:]] == [[[], []], [["identifier"], ["other"]], [[], []]]
        for before, after in pairwise(seen[2:]):
            assert all(was < now for (was, _), (now, _) in zip(before, after, strict=True))

    await on_sqlite(run)


async def asked_about(store: Store, profile: NodeId) -> tuple[int, list[str]]:
    """The version of a customer's context, and whose end each of its candidates is; -1 of nobody."""
    async with store.reading() as tx:
        found = await find_node(CurrentGraph(tx, "acme"), profile)
        if found is None:
            return -1, []
        body = context_body(await load_known(tx, ACME, found.customer), WINDOW)
    return found.version, [each["yours"] for each in body["customer"]["candidates"]]


async def test_a_call_moves_once_its_telephone_is_shared() -> None:
    """The telephone stands alone all the while, so nobody moves but the call."""
    phone, ana = "+15550100123", "ana@example.com"
    history = [
        an_event("cx.interaction.started.v1", id="r", interaction="call-7", channel="voice", phone=phone),
        an_event("cx.identity.verified.v1", id="v", interaction="call-7", channel="voice", email=ana, verified=True),
        *(
            an_event("cx.call.dtmf.v1", id=f"key-{n}", interaction="call-7", channel="voice", at=START + n * SECOND)
            for n in range(4)
        ),
        an_event(id="a", interaction="chat-1", email=ana, phone=phone, text="Ana", at=START + 2 * SECOND),
        an_event(id="b", interaction="chat-2", email="ben@example.com", phone=phone, text="Ben", at=START + 3 * SECOND),
    ]
    node = facts_of(history)[2].stream_id

    async def run(store: Store) -> None:
        witness = Witness(store, history)
        (worker,) = await workers(store, in_partitions(history, 1), 1)
        for size in (1, 1, 1, 1, 1, 1, 2):
            async with store.reading() as tx:
                before = await find_node(CurrentGraph(tx, "acme"), node)
            assert before is None or before.customer == node
            await worker.step(size)
            await witness.look()
        async with store.reading() as tx:
            found = await find_node(CurrentGraph(tx, "acme"), node)
        assert found is not None
        assert found.customer == ACME.profile("email", "", ana)

    await on_sqlite(run)


async def test_a_customer_losing_a_profile_gets_a_new_version() -> None:
    """A person had joined the two; once no event names the profile any more, nothing is left to join."""
    ana, other = ACME.profile("email", "", "ana@example.com"), ACME.profile("crm", "", "C-1")
    called = {"id": "e-3", "channel": "voice", "interaction": "call-1"}
    history = [
        an_event("cx.interaction.started.v1", **called, email="ana@example.com", recorded=START + SECOND),
        an_event(id="e-1", crm="C-1", interaction="chat-1", text="hello"),
        a_decision(
            "cx.identity.merged.v1",
            id="d-0",
            about=ana,
            at=START + 2 * SECOND,
            data={"identity": {"a": text_of(ana), "b": text_of(other)}},
        ),
        an_event("cx.interaction.started.v1", **called),
    ]
    await on_sqlite(lambda store: one_by_one(store, history))


@examples(20)
@given(history=histories(), seed=st.integers(0, 2**32))
def test_versions_never_fall_and_identify_one_body(history: list[StampedEvent], seed: int) -> None:
    dice = random.Random(seed)
    dice.shuffle(history)
    repeated = dice.choices(history, k=3) if history else []

    async def run(store: Store) -> None:
        witness = Witness(store, history)
        team = await workers(store, in_partitions([*history, *repeated], dice.randint(1, 4)), dice.randint(1, 3))
        while behind := [worker for worker in team if worker.behind]:
            await dice.choice(behind).step(dice.randint(1, 4))
            await witness.look()

    asyncio.run(on_sqlite(run))


@pytest.mark.postgres
@settings(EXAMPLE, max_examples=12)
@given(history=histories(), seed=st.integers(0, 2**32))
def test_versions_never_fall_for_readers_beside_four_writers(
    postgres_database_for_examples: str, history: list[StampedEvent], seed: int
) -> None:
    dice = random.Random(seed)
    dice.shuffle(history)
    repeated = dice.choices(history, k=3) if history else []

    async def catch_up(worker: Worker, dice: random.Random) -> None:
        while worker.behind:
            await worker.step(dice.randint(1, 4))
            await asyncio.sleep(dice.choice((0, 0, 0.001)))

    async def run(store: Store) -> None:
        witness = Witness(store, history)
        team = await workers(store, in_partitions([*history, *repeated], 8), 4)
        done = asyncio.Event()

        async def watch() -> None:
            while not done.is_set():
                await witness.look()

        async def write() -> None:
            try:
                while any(worker.behind for worker in team):
                    await asyncio.gather(*(catch_up(worker, random.Random(dice.random())) for worker in team))
            finally:
                done.set()

        await asyncio.gather(watch(), write())
        await witness.look()

    async def on_postgres() -> None:
        store = open_store(postgres_database_for_examples)
        await store.start()
        try:
            async with store.writing() as tx:
                await tx.execute(f"TRUNCATE {', '.join(table.name for table in METADATA.sorted_tables)}")
            await run(store)
        finally:
            await store.stop()

    asyncio.run(on_postgres())

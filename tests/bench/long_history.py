"""Measure what a customer with a very long history costs, by what folding that history from nothing costs.

    python -m tests.bench.long_history postgresql+asyncpg://... [--events 100000] [--shape contacts|one]

``contacts``: ten events an interaction, three interactions an order; ``one``: all in one interaction, as a mail thread
that never ends (``cx bench`` leaves it out). In one process, so that all ratios are of the same clock. Reads are of the
store and the body's bytes, as the API makes them: ``now`` by a process that never read the customer, ``now_changed`` by
one that read it before a late event. A late event, a merge and its withdrawal are one batch each. Every figure is the
median of some turns.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import msgspec
from tests.bench.servers import fresh_database
from tests.projection import RULES, WINDOW, Worker, in_partitions, workers

from cx_context.document import context_body, encode_body
from cx_context.fold import apply, new_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store import Store, open_store
from cx_context.store.cached_rendering import Renderer
from cx_context.store.context_inputs import read_inputs
from cx_context.store.customer_lookup import find_node
from cx_context.store.members import members_of
from cx_context.store.snapshot import Snapshot
from cx_context.store.time_bounds import TimeBounds
from cx_events.codec import decode
from cx_events.facts import Fact, decision_source
from cx_events.ids import NodeId, text_of
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_decision, an_event
from cx_events.timestamps import Micros
from cx_runtime.gc_tuning import settle

SHAPES = ("contacts", "one")
EACH = 10
TURNS = 5
EVER = (1 << 63) - 1
BATCH = 2_000
WORDS = "I was charged twice for my order and nobody answers the telephone; the parcel was to come on Monday. " * 2
ANA = ACME.profile("email", "", "ana@example.com")
BEN = ACME.profile("email", "", "ben@example.com")

Json = dict[str, Any]


def history(events: int, shape: str, email: str, each: int = EACH) -> Iterator[StampedEvent]:
    """Messages that end now, an hour from interaction to interaction."""
    begin = START - events // each * HOUR
    for number in range(events):
        contact = 0 if shape == "one" else number // each
        at = begin + number // each * HOUR + number % each * 20 * SECOND
        yield an_event(
            id=f"{email}-{number}",
            at=at,
            email=email,
            interaction=f"{email}/{contact}",
            text=WORDS,
            role="customer",
            data={"direction": "inbound" if number % 2 else "outbound",
                  "references": [{"kind": "order", "value": f"{email}-{contact // 3}"}]},
        )  # fmt: skip


async def feed(worker: Worker, stamped: Sequence[StampedEvent]) -> None:
    """One more batch behind what the worker has applied, whole."""
    log = worker.logs[0]
    first = len(log)
    log += [LogRecord(INTERACTIONS, 0, first + at, each.key, each.raw, 0) for at, each in enumerate(stamped)]
    while worker.behind:
        await worker.step(BATCH)


async def from_nothing(store: Store, customer: NodeId, until: Micros = EVER) -> bytes:
    """All of the customer's events, or those up to a moment, folded anew."""
    async with store.reading() as tx:
        rows = await tx.fetch(
            "SELECT raw FROM events WHERE stream_id = :stream_id AND tenant = 'acme' AND effective <= :until",
            stream_id=customer,
            until=until,
        )
        members = await members_of(tx, "acme", customer)
    parts: dict[bytes, Part] = {}
    facts = []
    for (raw,) in rows:
        fact = Fact(decode(bytes(raw)), bytes(raw), ACME)
        facts.append(fact)
        if fact.part_id in parts:
            apply(parts[fact.part_id], fact)
        else:
            parts[fact.part_id] = new_part(fact)
    known = CustomerFacts(customer, members, [KeyedPart(*each) for each in parts.items()], facts)
    return encode_body(context_body(known, WINDOW))


async def today(store: Store, customer: NodeId, renderer: Renderer) -> bytes:
    async with store.reading() as tx:
        whole = await read_inputs(tx, ACME, customer)
    assert whole is not None
    return renderer.body(whole, WINDOW)


async def then(store: Store, customer: NodeId, moment: TimeBounds) -> bytes:
    async with store.reading() as tx:
        past = Snapshot(tx, ACME, RULES, moment)
        found = await find_node(past, customer)
        known = await past.load(found.customer if found is not None else customer, outlined=True)
    return encode_body(context_body(known, WINDOW))


async def seconds(work: Callable[[int], Awaitable[object]], turns: int = TURNS) -> float:
    taken = []
    for turn in range(turns):
        begun = perf_counter()
        await work(turn)
        taken.append(perf_counter() - begun)
    return median(taken)


async def measure(store_url: str, events: int, shape: str) -> Json:
    async with fresh_database(store_url) as url:
        store = open_store(url)
        await store.start()
        try:
            return await _measure(store, events, shape)
        finally:
            await store.stop()


async def _measure(store: Store, events: int, shape: str) -> Json:
    worker = (await workers(store, in_partitions([], 1), 1))[0]
    begun = perf_counter()
    for email, count in (("ana@example.com", events), ("ben@example.com", events // 10)):
        made: list[StampedEvent] = []
        for each in history(count, shape, email):
            made.append(each)
            if len(made) == BATCH:
                await feed(worker, made)
                made = []
        await feed(worker, made)
    print(f"{shape}: {events:,} events applied in {perf_counter() - begun:.0f} s", file=sys.stderr)
    async with store.asking() as tx:
        await tx.execute("VACUUM ANALYZE")  # as the server does by itself, but sooner
    worker.applier.cache.clear()
    settle()
    middle = START - events // EACH // 2 * HOUR + 45 * SECOND
    assert await from_nothing(store, ANA) == await today(store, ANA, Renderer())

    async def late(turn: int) -> None:
        at = middle + turn * SECOND
        name = "ana@example.com/0" if shape == "one" else f"ana@example.com/{events // EACH // 2}"
        event = an_event(
            id=f"late-{turn}", at=at, recorded=START + turn, email="ana@example.com", interaction=name, text="late"
        )
        await feed(worker, [event])

    async def decide(type: str, id: str, identity: Json) -> None:
        await feed(worker, [a_decision(type, id=id, about=ACME.tenant_node(), at=START, data={"identity": identity})])

    renderer = Renderer()
    await today(store, ANA, renderer)
    changed, merges, unmerges = [], [], []
    floor = await seconds(lambda _: from_nothing(store, ANA), 3)
    found = {
        "now": await seconds(lambda _: today(store, ANA, Renderer())),
        "as_of_middle": await seconds(lambda _: then(store, ANA, TimeBounds(as_of=middle))),
        "known_at_middle": await seconds(lambda _: then(store, ANA, TimeBounds(known_at=middle))),
        "late_event": await seconds(late),
    }
    for turn in range(TURNS):
        await late(TURNS + turn)
        begun = perf_counter()
        await today(store, ANA, renderer)
        changed.append(perf_counter() - begun)
    for turn in range(TURNS):
        begun = perf_counter()
        await decide("cx.identity.merged.v1", f"m-{turn}", {"a": text_of(ANA), "b": text_of(BEN)})
        merges.append(perf_counter() - begun)
        begun = perf_counter()
        await decide("cx.identity.unmerged.v1", f"u-{turn}", {"decision": f"{decision_source('acme')}#m-{turn}"})
        unmerges.append(perf_counter() - begun)
    found |= {"now_changed": median(changed), "merge": median(merges), "unmerge": median(unmerges)}
    return {
        "events": events,
        "shape": shape,
        "from_nothing_seconds": round(floor, 3),
        **{
            name: {"seconds": round(took, 4), "of_from_nothing": round(took / floor, 4)} for name, took in found.items()
        },
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("store_url")
    asked.add_argument("--events", type=int, default=100_000)
    asked.add_argument("--shape", choices=SHAPES, action="append")
    given = asked.parse_args()
    for shape in given.shape or SHAPES:
        print(msgspec.json.encode(asyncio.run(measure(given.store_url, given.events, shape))).decode())


if __name__ == "__main__":
    main()

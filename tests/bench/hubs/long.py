"""A projector and a store with customers of very long histories: what it is told to do with them is timed here, in one
process, so that every figure is of the same clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any

import msgspec
from msgspec import Struct
from tests.bench.children import Go, Task
from tests.bench.contest import same
from tests.bench.long_history import ANA, BATCH, BEN, feed, from_nothing, history, today
from tests.projection import RULES, WINDOW, Worker, in_partitions, workers

from cx_context.store import Store, open_store
from cx_context.store.cached_rendering import Renderer
from cx_context.store.time_bounds import TimeBounds
from cx_context_api.contexts.as_of import PastContexts
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.targets import ById
from cx_context_api.requests.tenancy import Tenancy
from cx_events.facts import decision_source
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_decision, an_event

LONG, OTHER, SHORT = (f"{name}@example.com" for name in ("ana", "ben", "cid"))
SHORT_EVENTS = 100

_TABLE = "SELECT seq_tup_read + idx_tup_fetch, n_tup_ins, n_tup_upd + n_tup_del FROM pg_stat_user_tables"
_TENANCY = Tenancy(ACME, RULES, WINDOW, ())


class Do(Struct):
    """``what``: a method of ``Deeds``. ``who``: to whom something is to happen."""

    what: str
    who: str = ""


class Did(Struct):
    """``read``, ``added``, ``rewritten``: rows of the history."""

    seconds: float
    cpu: float
    read: int
    added: int
    rewritten: int


class Deeds:
    """``each``: events an interaction; ``events``: of the long customer, and of the other that it is merged with."""

    def __init__(self, store: Store, worker: Worker, events: int, each: int) -> None:
        self._store = store
        self._worker = worker
        self._contacts = events // each
        self._middle = START - self._contacts // 2 * HOUR + 45 * SECOND
        self._turn = 0

    async def do(self, command: Do) -> Did:
        self._turn += 1
        work: Callable[[], Awaitable[object]] = getattr(self, command.what)
        if command.who:
            work = partial(getattr(self, command.what), command.who)
        before = await self._rows()
        cpu, began = process_time(), perf_counter()
        await work()
        seconds, spent = perf_counter() - began, process_time() - cpu
        after = await self._rows()
        return Did(seconds, spent, *(end - begin for begin, end in zip(before, after, strict=True)))

    async def nothing(self) -> None:
        await from_nothing(self._store, ANA)

    async def grow(self, who: str) -> None:
        """One more event, as live ones come, in an interaction of its own."""
        await self._feed(
            an_event(id=f"new-{self._turn}", at=self._now, email=who, interaction=f"new-{self._turn}", text="Any news?")
        )

    async def late(self) -> None:
        """An event of a moment in the middle of the history, in an interaction of then."""
        at = self._middle + self._turn * SECOND
        name = f"{LONG}/{self._contacts - self._contacts // 2}"
        await self._feed(
            an_event(id=f"late-{self._turn}", at=at, recorded=self._now, email=LONG, interaction=name, text="late")
        )

    async def merge(self) -> None:
        self._merged = f"m-{self._turn}"
        await self._decide("cx.identity.merged.v1", self._merged, {"a": text_of(ANA), "b": text_of(BEN)})

    async def unmerge(self) -> None:
        decision = f"{decision_source('acme')}#{self._merged}"
        await self._decide("cx.identity.unmerged.v1", f"u-{self._turn}", {"decision": decision})

    async def past(self) -> bytes:
        served, _ = await PastContexts(self._store, ReadTurns.of(1)).read(
            _TENANCY, ById(ANA), TimeBounds(as_of=self._middle)
        )
        return served.body

    async def verify(self) -> None:
        """``Fatal`` unless what is stored is what folding from nothing makes, today and as of the middle."""
        for name, customer in (("ana", ANA), ("ben", BEN)):
            is_equal = await from_nothing(self._store, customer) == await today(self._store, customer, Renderer())
            same(f"the context of {name} is that of the events, folded anew", is_equal, True)
        is_equal = await from_nothing(self._store, ANA, self._middle) == await self.past()
        same("the past is what the events up to then make", is_equal, True)

    @property
    def _now(self) -> int:
        return START + HOUR + self._turn * SECOND

    async def _decide(self, type: str, id: str, identity: dict[str, Any]) -> None:
        about = ACME.tenant_node()
        await self._feed(a_decision(type, id=id, about=about, at=self._now, data={"identity": identity}))

    async def _feed(self, event: StampedEvent) -> None:
        await feed(self._worker, [event])

    async def _rows(self) -> list[int]:
        """How many rows of the history were read, added and rewritten so far. A backend tells of what it did once it
        is idle, at once where it is asked to; the pool lends the one again that came back last."""
        async with self._store.asking() as tx:
            await tx.execute("SELECT pg_stat_force_next_flush()")
        async with self._store.asking() as tx:
            rows = await tx.fetch(f"{_TABLE} WHERE relname = 'events'")
        return [int(value) for value in rows[0]]


async def run(task: Task, _over: asyncio.Event, go: Go) -> dict[str, Any]:
    """Deeds, until a line that is none. ``count``, ``each``: of the long history."""
    store = open_store(task.store_url)
    await store.start()
    worker = (await workers(store, in_partitions([], 1), 1))[0]
    for email, count in ((LONG, task.count), (OTHER, task.count), (SHORT, min(SHORT_EVENTS, task.count))):
        await _fill(worker, email, count, task.each)
    async with store.asking() as tx:
        await tx.execute("VACUUM ANALYZE")  # as the server does by itself, but sooner
    worker.applier.cache.clear()  # as of customers who were not heard of for long
    deeds = Deeds(store, worker, task.count, task.each)
    await deeds.verify()
    await go(listens=False)
    while (line := await asyncio.to_thread(sys.stdin.readline)).startswith("{"):
        did = await deeds.do(msgspec.json.decode(line, type=Do))
        print(msgspec.json.encode(did).decode(), flush=True)
    await store.stop()
    return {}


async def _fill(worker: Worker, email: str, count: int, each: int) -> None:
    made: list[StampedEvent] = []
    for event in history(count, "contacts", email, each):
        made.append(event)
        if len(made) == BATCH:
            await feed(worker, made)
            made = []
    await feed(worker, made)

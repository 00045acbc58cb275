"""Rebuild selected customers in place: their parts are made anew from their stored events, compared, and exchanged.

What is equal is only read. What differs is written, some customers in a transaction, with writers paused for that long;
there is nothing to undo, since the same events give the same again. Who is who, and what the store holds of the log, is
not touched: for that, and for another fold, there is the rebuild of everything. Lists and the words by which messages
are found are written anew in any case, by whoever keeps them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec import Struct

from cx_context.routing_targets import RoutingTarget
from cx_context.store import Store, leases, listing_queue, outbox, said_rows, versions
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.events import read_stream_keys
from cx_context.store.members import members_of
from cx_context.store.port import Contention
from cx_context.store.sql import Tx
from cx_events.ids import IdSpace, NodeId, text_of
from cx_ops.rebuild.bodies import Inputs, body_of, changed_paths, events_behind, inputs_of
from cx_ops.rebuild.comparison import Tenants
from cx_ops.rebuild.record import MOST_DIFFERENCES, Difference
from cx_ops.rebuild.selection import Selection, select_customers

AT_ONCE = 20
"""Customers of one transaction."""
WORDS_AT_ONCE = 1_000
"""Events whose words are written anew in one transaction."""
_TRIES = 20


class Refold(Protocol):
    """Streams that were folded again (``cx_projectors.refold``). ``events``: how many events; ``sides``: (stream,
    interaction) of the parts that are stored otherwise than folded."""

    @property
    def events(self) -> int: ...
    @property
    def differs(self) -> bool: ...
    @property
    def sides(self) -> Collection[tuple[NodeId, NodeId]]: ...


class Refolder(Protocol):
    """Makes parts anew from stored events, and writes them."""

    async def find(self, tx: Tx, ids: IdSpace, streams: Collection[NodeId]) -> Refold: ...

    async def write(self, tx: Tx, ids: IdSpace, refold: Any) -> set[RoutingTarget]: ...


class CustomersReport(Struct, frozen=True):
    """``customers`` were folded again, of ``events``; the bodies of ``differing`` are others than they were. ``first``:
    at most ``MOST_DIFFERENCES`` of these. ``parts``: how many sides of interactions had parts that differ, which need
    not show. ``written``: the new ones are what readers see."""

    customers: int
    events: int
    differing: int
    parts: int
    first: list[Difference]
    written: bool


@dataclass(slots=True)
class _Found:
    customers: int = 0
    events: int = 0
    parts: int = 0
    differences: list[Difference] = field(default_factory=list)


class _Undone(Exception):
    """Ends a transaction that only looked."""


async def _at_once(_events: int) -> None:
    return None


class CustomersRebuild:
    """``tell``: is called with sentences, for people who wait."""

    def __init__(self, store: Store, tenants: Tenants, refolder: Refolder, tell: Callable[[str], None]) -> None:
        self._store = store
        self._tenants = tenants
        self._refolder = refolder
        self._tell = tell

    async def run(
        self, selection: Selection, *, review: bool, pace: Callable[[int], Awaitable[None]] = _at_once
    ) -> CustomersReport:
        """Rebuild the selected customers; ``review``: compare alone. ``pace``: is awaited after some customers, with
        the number of events that they have.

        May be broken off and begun again. Raises ``Refused`` (see ``select_customers``), ``TryLater``."""
        async with self._store.reading() as tx:
            selected = await select_customers(tx, selection, self._tenants)
        total, found = sum(map(len, selected.values())), _Found()
        for tenant, customers in selected.items():
            for at in range(0, len(customers), AT_ONCE):
                before, some = found.events, customers[at : at + AT_ONCE]
                wrong = await self._wrong(tenant, some, found)
                if wrong:
                    await self._exchange(tenant, wrong, found, review=review)
                if not review:
                    for customer in some:
                        await self._list_anew(tenant, customer)
                await pace(found.events - before)
                if found.customers % (50 * AT_ONCE) == 0:
                    self._tell(f"{found.customers} of {total} customers, {len(found.differences)} differ")
        return CustomersReport(
            found.customers,
            found.events,
            len(found.differences),
            found.parts,
            found.differences[:MOST_DIFFERENCES],
            not review,
        )

    async def _wrong(self, tenant: str, customers: Sequence[NodeId], found: _Found) -> list[NodeId]:
        """Return those of some customers whose parts are stored otherwise than folded. Nobody waits for it."""
        ids = self._tenants[tenant][0]
        wrong = []
        async with self._store.reading() as tx:
            for customer in customers:
                refold = await self._refolder.find(tx, ids, await _streams(tx, tenant, customer))
                found.customers += 1
                found.events += refold.events
                if refold.differs:
                    wrong.append(customer)
        return wrong

    async def _exchange(self, tenant: str, customers: Sequence[NodeId], found: _Found, *, review: bool) -> None:
        for attempt in range(_TRIES):
            of_these = _Found()
            try:
                async with self._store.writing() as tx:
                    await self._exchange_in(tx, tenant, customers, of_these)
                    if review:
                        raise _Undone
            except _Undone:
                pass
            except Contention:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(random.uniform(0, 0.05 * (attempt + 1)))  # noqa: S311
                continue
            found.parts += of_these.parts
            found.differences += of_these.differences
            return

    async def _exchange_in(self, tx: Tx, tenant: str, customers: Sequence[NodeId], found: _Found) -> None:
        ids = self._tenants[tenant][0]
        await tx.lock(leases.REPLACE_LOCK, exclusive=True)
        await leases.lock_all(tx)
        refolds = [await self._refolder.find(tx, ids, await _streams(tx, tenant, each)) for each in customers]
        sides = {side for refold in refolds for side in refold.sides}
        nodes = {node for side in sides for node in side}
        before = await self._contexts(tx, ids, nodes, set(customers))
        targets: set[RoutingTarget] = set()
        for refold in refolds:
            targets |= await self._refolder.write(tx, ids, refold)
        after = await self._contexts(tx, ids, nodes, before.keys())
        before |= await inputs_of(tx, ids, after.keys() - before.keys())
        found.parts += len(sides)
        changed = await self._differences(tx, tenant, before, after, found)
        rises = await versions.rises_to_level(tx, [{each} for each in changed])
        await versions.raise_versions(tx, rises, versions.REFOLD_STRIPE)
        await outbox.write(tx, tenant, changed, {changed[0]: targets} if changed and targets else {})
        await listing_queue.write(tx, tenant, {*changed, *customers})
        await leases.fence_all(tx)

    async def _list_anew(self, tenant: str, customer: NodeId) -> None:
        """Leave a customer and the words of all its events to whoever keeps the lists, whatever stands there now."""
        ids = self._tenants[tenant][0]
        async with self._store.reading() as tx:
            keys = await read_stream_keys(tx, tenant, await _streams(tx, tenant, customer))
        for at in range(0, max(len(keys), 1), WORDS_AT_ONCE):
            some = keys[at : at + WORDS_AT_ONCE]
            async with self._store.writing() as tx:
                await said_rows.forget(tx, ids, some)
                await listing_queue.write(tx, tenant, {customer} if at == 0 else (), some)

    async def _contexts(
        self, tx: Tx, ids: IdSpace, nodes: Collection[NodeId], customers: Collection[NodeId]
    ) -> dict[NodeId, Inputs]:
        """Return what the contexts of these customers, and of those to whom the nodes belong, are made of."""
        graph = CurrentGraph(tx, ids.tenant)
        found = [await find_node(graph, node) for node in sorted(nodes)]
        wanted = {each.customer for each in found if each is not None}.union(customers)
        return await inputs_of(tx, ids, sorted(wanted))

    async def _differences(
        self, tx: Tx, tenant: str, before: Mapping[NodeId, Inputs], after: Mapping[NodeId, Inputs], found: _Found
    ) -> list[NodeId]:
        window = self._tenants[tenant][1]
        changed = []
        for customer in sorted(after):
            one, other = before.get(customer), after[customer]
            if body_of(one, window) == body_of(other, window):
                continue
            changed.append(customer)
            events = await events_behind((tx,), one, other)
            found.differences.append(Difference(tenant, text_of(customer), changed_paths(one, other, window), events))
        return changed


async def _streams(tx: Tx, tenant: str, customer: NodeId) -> set[NodeId]:
    """Return a customer's profiles and the interactions that they take part in; an interaction that stands alone is
    one by itself."""
    profiles = {member.id for member in await members_of(tx, tenant, customer)} or {customer}
    return profiles | set(await CurrentGraph(tx, tenant).nodes_around(profiles))

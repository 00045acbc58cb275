"""Compare the customers of two stores that are at equal offsets: the bytes that a reader gets of each.

A body is a function of its inputs, so where both stores hold equal inputs nothing is rendered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from cx_context.store.context_inputs import ContextInputs
from cx_context.store.members import read_all_customers, streams_of_nobody
from cx_context.store.sql import Tx
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.timestamps import Micros
from cx_ops.rebuild.bodies import Inputs, are_equal, body_of, changed_paths, events_behind, inputs_of
from cx_ops.rebuild.record import MOST_DIFFERENCES, Difference

AT_ONCE = 32

Window = Micros
Tenants = Mapping[str, tuple[IdSpace, Window]]
"""By name, a tenant's ids and its threading window."""

Watch = Callable[[], Awaitable[None]]


class Comparison:
    """``live`` and ``rebuilt`` bodies so far. ``differing``: by tenant and id, the customers whom the id stands for in
    one of the stores. Call ``all`` first, then ``again`` for those who changed since."""

    def __init__(self, tenants: Tenants, watch: Watch) -> None:
        self._tenants = tenants
        self._watch = watch
        self.customers = 0
        self._differing: dict[str, dict[NodeId, frozenset[NodeId]]] = {name: {} for name in tenants}
        self._first: dict[tuple[str, NodeId], Difference] = {}

    @property
    def first(self) -> list[Difference]:
        """Return what is known of the first customers that differ."""
        return list(self._first.values())

    def differing(self, tenant: str) -> set[NodeId]:
        """Return the customers of a tenant whose bodies differ, by their ids in both stores."""
        return {customer for both in self._differing[tenant].values() for customer in both}

    @property
    def count(self) -> int:
        """Return how many customers differ."""
        return sum(len(found) for found in self._differing.values())

    async def all(self, live: Tx, rebuilt: Tx) -> None:
        """Compare every customer of either store."""
        for tenant in self._tenants:
            nodes: set[NodeId] = set()
            for tx in (live, rebuilt):
                nodes |= await read_all_customers(tx, tenant)
                nodes |= await streams_of_nobody(tx, tenant)
            self.customers += len(nodes)
            await self._compare(tenant, live, rebuilt, sorted(nodes))

    async def again(self, live: Tx, rebuilt: Tx, customers: Collection[NodeId]) -> None:
        """Compare some customers once more, whosever they are."""
        for tenant in self._tenants:
            await self._compare(tenant, live, rebuilt, sorted(customers))

    async def _compare(self, tenant: str, live: Tx, rebuilt: Tx, nodes: Sequence[NodeId]) -> None:
        ids = self._tenants[tenant][0]
        for at in range(0, len(nodes), AT_ONCE):
            some = nodes[at : at + AT_ONCE]
            await self._watch()
            before, after = await inputs_of(live, ids, some), await inputs_of(rebuilt, ids, some)
            for node in some:
                await self._compare_one(live, rebuilt, tenant, node, (before[node], after[node]))

    async def _compare_one(self, live: Tx, rebuilt: Tx, tenant: str, node: NodeId, both: tuple[Inputs, Inputs]) -> None:
        window = self._tenants[tenant][1]
        one, other = both
        if are_equal(one, other) or body_of(one, window) == body_of(other, window):
            self._differing[tenant].pop(node, None)
            self._first.pop((tenant, node), None)
            return
        customers = {each.found.customer for each in both if isinstance(each, ContextInputs)}
        self._differing[tenant][node] = frozenset(customers | {node})
        if (tenant, node) in self._first or len(self._first) < MOST_DIFFERENCES:
            events = await events_behind((live, rebuilt), one, other)
            self._first[tenant, node] = Difference(tenant, text_of(node), changed_paths(one, other, window), events)

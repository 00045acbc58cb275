"""Compare the customers of two stores that are at equal offsets: the bytes that a reader gets of each.

A body is a function of its inputs, so where both stores hold equal inputs nothing is rendered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from cx_context.document import context_body, encode_body
from cx_context.explain.json_pointer import changed_values, pointer_of
from cx_context.store.context_inputs import ContextInputs, read_inputs
from cx_context.store.events import read_some_raws_of_parts
from cx_context.store.inputs_at_once import read_inputs_at_once
from cx_context.store.members import read_all_customers, streams_of_nobody
from cx_context.store.port import TROUBLES
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently
from cx_events.errors import TryLater
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.timestamps import Micros
from cx_ops.rebuild.record import MOST_DIFFERENCES, Difference

AT_ONCE = 32
MOST_PATHS = 8
MOST_EVENTS = 8

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
            before, after = await _inputs(live, ids, some), await _inputs(rebuilt, ids, some)
            for node in some:
                await self._compare_one(live, rebuilt, tenant, node, (before[node], after[node]))

    async def _compare_one(
        self, live: Tx, rebuilt: Tx, tenant: str, node: NodeId, both: tuple[_Inputs, _Inputs]
    ) -> None:
        window = self._tenants[tenant][1]
        one, other = both
        if _are_equal(one, other) or _body(one, window) == _body(other, window):
            self._differing[tenant].pop(node, None)
            self._first.pop((tenant, node), None)
            return
        customers = {each.found.customer for each in both if isinstance(each, ContextInputs)}
        self._differing[tenant][node] = frozenset(customers | {node})
        if (tenant, node) in self._first or len(self._first) < MOST_DIFFERENCES:
            events = await _events_behind(live, rebuilt, one, other)
            self._first[tenant, node] = Difference(tenant, text_of(node), _paths(one, other, window), events)


_Inputs = ContextInputs | str | None
"""A node's inputs; None where nobody has the id; a sentence where they can't be read."""


async def _inputs(tx: Tx, ids: IdSpace, nodes: Collection[NodeId]) -> dict[NodeId, _Inputs]:
    found: dict[NodeId, _Inputs] = {}
    found.update(await read_inputs_at_once(tx, ids, nodes))
    for node in nodes:
        if node not in found:
            try:
                found[node] = await read_inputs(tx, ids, node)
            except (TryLater, *TROUBLES):
                raise
            except Exception as error:  # a row that can't be read: whatever it does to its readers
                found[node] = f"can't be read: {type(error).__name__}"
    return found


def _are_equal(one: _Inputs, other: _Inputs) -> bool:
    if not (isinstance(one, ContextInputs) and isinstance(other, ContextInputs)):
        return one == other
    return (
        one.found.customer == other.found.customer
        and sorted(one.members, key=_id) == sorted(other.members, key=_id)
        and dict(one.parts) == dict(other.parts)
        and sorted(one.raws) == sorted(other.raws)
        and one.claims == other.claims
        and one.lifetimes == other.lifetimes
    )


def _id(member: object) -> bytes:
    id: bytes = member.id  # type: ignore[attr-defined]
    return id


def _body(inputs: _Inputs, window: Micros) -> bytes:
    if not isinstance(inputs, ContextInputs):
        return (inputs or "").encode()
    try:
        return encode_body(context_body(inputs.known, window))
    except Exception as error:  # as above
        return f"can't be read: {type(error).__name__}".encode()


def _paths(one: _Inputs, other: _Inputs, window: Micros) -> list[str]:
    bodies = [_body(each, window) for each in (one, other)]
    if not all(body.startswith(b"{") for body in bodies):
        return [""]
    before, after = (msgspec.json.decode(body) for body in bodies)
    return [pointer_of(path) for path, _, _ in changed_values(before, after)[:MOST_PATHS]]


async def _events_behind(live: Tx, rebuilt: Tx, one: _Inputs, other: _Inputs) -> list[str]:
    """Return events that are in the timeline of one store only, or of parts that differ, or the evidence of members
    that do, as ``SOURCE#ID``."""
    known = [each for each in (one, other) if isinstance(each, ContextInputs)]
    if not known:
        return []
    tenant = known[0].ids.tenant
    parts = [set(each.parts) for each in known]
    raws = [set(each.raws) for each in known]
    members = [set(each.members) for each in known]
    found = sorted(raws[0] ^ raws[1]) if len(known) == 2 else sorted(raws[0])
    part_ids = {part_id for part_id, _ in (parts[0] ^ parts[1] if len(known) == 2 else parts[0])}
    if part_ids:
        for tx in (live, rebuilt):
            found += await read_some_raws_of_parts(tx, tenant, sorted(part_ids), MOST_EVENTS)
    names = [_name(raw) for raw in found]
    if len(known) == 2:
        names += [each.joined[1] for each in members[0] ^ members[1] if each.joined is not None]
    return list(dict.fromkeys(name for name in names if name))[:MOST_EVENTS]


def _name(raw: bytes) -> str:
    event, _ = decode_leniently(raw)
    return f"{event.source}#{event.id}"

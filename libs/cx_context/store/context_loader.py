"""Load all that contexts are made of, for many at once: a changed context costs its share of one statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.timeline import TIMELINE_SHOWN
from cx_context.store.batch_loader import BatchLoader
from cx_context.store.changed_parts import PartsReading
from cx_context.store.context_inputs import ContextInputs, _by_steps, read_inputs
from cx_context.store.graph_view import CustomerMatch
from cx_context.store.inputs_postgres import read_inputs_at_once
from cx_context.store.port import Store
from cx_context.store.postgres import PostgresStore
from cx_context.store.sql import Tx
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.ids import IdSpace, NodeId

MOST_AT_ONCE = 32
DirectoryOf = Callable[[str], Directory]
"""Return a tenant's directory as it is now."""

_Asked = tuple[str, NodeId]


class ContextLoader:
    """Load what contexts are made of, many in one statement where that is possible. Made in the event loop that asks.
    ``spaces``: the ids of each tenant."""

    def __init__(
        self, store: Store, spaces: Mapping[str, IdSpace], directory_of: DirectoryOf = lambda tenant: NO_DIRECTORY
    ) -> None:
        self._store = store
        self._spaces = spaces
        self._directory_of = directory_of
        self._at_once = isinstance(store, PostgresStore)
        self._together = BatchLoader(self._ask, most=MOST_AT_ONCE)

    async def of(self, tenant: str, node: NodeId) -> ContextInputs | None:
        """Return what an id's context is made of, from one state of the store that is later than the question; None for
        an id that nobody ever had. Raises ``TryLater`` where the store does not answer."""
        return await self.together(tenant, node) or await self.alone(tenant, node)

    async def together(self, tenant: str, node: NodeId) -> ContextInputs | None:
        """Do as ``of``, within twice ``batch_loader.PATIENCE``; None also where ``read_inputs_at_once`` leaves the node
        out."""
        return self._named(await self._together.of((tenant, node)) if self._at_once else None)

    async def alone(self, tenant: str, node: NodeId, since: PartsReading | None = None) -> ContextInputs | None:
        """Do as ``of``, by several statements. ``since``: as in ``read_inputs``."""
        async with self._store.reading() as tx:
            return self._named(await read_inputs(tx, self._spaces[tenant], node, since))

    def _named(self, inputs: ContextInputs | None) -> ContextInputs | None:
        directory = self._directory_of(inputs.ids.tenant) if inputs is not None else NO_DIRECTORY
        return replace(inputs, directory=directory) if inputs is not None and directory else inputs

    async def stop(self) -> None:
        await self._together.stop()

    async def _ask(self, asked: list[_Asked]) -> dict[_Asked, ContextInputs]:
        by_tenant: dict[str, list[NodeId]] = {}
        for tenant, node in asked:
            by_tenant.setdefault(tenant, []).append(node)
        found: dict[_Asked, ContextInputs] = {}
        for tenant, nodes in by_tenant.items():
            async with self._store.asking() as tx:
                wholes = await read_inputs_at_once(tx, self._spaces[tenant], nodes)
            found.update(((tenant, node), whole) for node, whole in wholes.items())
        return found


async def load_known(tx: Tx, ids: IdSpace, customer: NodeId, *, timeline: int = TIMELINE_SHOWN) -> CustomerFacts:
    """Load what a customer's context is made of, decoded."""
    return (await load_inputs(tx, ids, customer, timeline=timeline)).known


async def load_inputs(tx: Tx, ids: IdSpace, customer: NodeId, *, timeline: int = TIMELINE_SHOWN) -> ContextInputs:
    """Load what a customer's context is made of, as it is stored."""
    whole = (await read_inputs_at_once(tx, ids, [customer], timeline)).get(customer)
    if whole is None or whole.found.customer != customer:
        whole = await _by_steps(tx, ids, CustomerMatch(customer, 0), timeline)
    return whole

"""Find the customer whom a target stands for today, and how new the customer's context is."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store import Store
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_index import CustomerEntry, CustomerIndex
from cx_context.store.customer_lookup import find_interaction, find_node, find_profile
from cx_context.store.graph_view import CustomerMatch
from cx_context.store.offsets import read_current_to
from cx_context.store.sql import Tx
from cx_context_api.contexts.ambiguity import AmbiguousTarget
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.targets import ById, ByIdentifier, Target
from cx_context_api.requests.tenancy import Tenancy
from cx_runtime.answer_deadline import within


class CustomerLookup:
    """Looks customers up: by one statement that many requests share, or by several of their own where that is not
    enough."""

    def __init__(self, store: Store, tenancies: Mapping[str, Tenancy], index: CustomerIndex, turns: ReadTurns) -> None:
        self._store = store
        self._tenancies = tenancies
        self._index = index
        self._pages = turns.pages

    async def find(self, tenant: str, target: Target) -> CustomerEntry | None:
        """Return the entry of the target's customer, None if it is unknown. Raises ``AmbiguousTarget``."""
        entry = await self.find_by_profile(tenant, target)
        if entry is None and isinstance(target, ByIdentifier):
            return None
        if entry is None or entry.ambiguous:
            return await within(self._find_alone(tenant, target))
        return entry

    async def find_by_profile(self, tenant: str, target: Target) -> CustomerEntry | None:
        """Return the entry of a target that is a profile; of an identifier's forms the first known one counts."""
        if isinstance(target, ById):
            entry = await self._index.of(tenant, target.node)
            return entry if entry is None or not entry.ambiguous else entry._replace(ambiguous=False)
        for profile in target.profiles if isinstance(target, ByIdentifier) else ():
            entry = await self._index.of(tenant, profile)
            if entry is not None:
                return entry
        return None

    async def find_in(self, tx: Tx, tenant: str, target: Target) -> CustomerEntry | None:
        """Return the entry of the target's customer as this transaction sees it. Raises ``AmbiguousTarget``."""
        return await find_target(tx, self._tenancies[tenant], target)

    async def _find_alone(self, tenant: str, target: Target) -> CustomerEntry | None:
        async with self._pages.turn(tenant), self._store.reading() as tx:
            return await self.find_in(tx, tenant, target)


async def find_target(tx: Tx, tenancy: Tenancy, target: Target) -> CustomerEntry | None:
    """Return the entry of a target's customer as this transaction sees it. Raises ``AmbiguousTarget``."""
    graph = CurrentGraph(tx, tenancy.ids.tenant)
    match: CustomerMatch | None = None
    if isinstance(target, ByIdentifier):
        for profile in target.profiles:
            match = await find_profile(graph, profile)
            if match is not None:
                break
    elif isinstance(target, ById):
        match = await find_node(graph, target.node)
    else:
        match = await find_interaction(graph, tenancy.ids.interaction(target.interaction), by_last_word=True)
    if match is None:
        return None
    if match.ambiguous:
        raise AmbiguousTarget(target, match.candidates, match.identifier)
    return CustomerEntry(match.customer, False, match.version, await read_current_to(tx), match.others)

"""All that contexts are made of, read together: a changed context costs its share of one statement."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store import reader
from cx_context.store.batch_loader import Together
from cx_context.store.port import Store
from cx_context.store.postgres import PostgresStore
from cx_context.store.reader import Whole
from cx_events.ids import IdSpace, NodeId

MOST_AT_ONCE = 32

_Asked = tuple[str, NodeId]


class Wholes:
    """Made in the event loop that asks. ``spaces``: the ids of each tenant."""

    def __init__(self, store: Store, spaces: Mapping[str, IdSpace]) -> None:
        self._store = store
        self._spaces = spaces
        self._at_once = isinstance(store, PostgresStore)
        self._together = Together(self._ask, most=MOST_AT_ONCE)

    async def of(self, tenant: str, node: NodeId) -> Whole | None:
        """Whom an id stands for and all that is known of them, from one state of the store that is later than the
        question; None for an id that nobody ever had. ``TryLater`` where the store does not answer."""
        return await self.together(tenant, node) or await self.alone(tenant, node)

    async def together(self, tenant: str, node: NodeId) -> Whole | None:
        """As ``of``, within twice ``together.PATIENCE``; None also where ``reader.at_once`` leaves the node out."""
        return await self._together.of((tenant, node)) if self._at_once else None

    async def alone(self, tenant: str, node: NodeId) -> Whole | None:
        """As ``of``, by several statements."""
        async with self._store.reading() as tx:
            return await reader.whole(tx, self._spaces[tenant], node)

    async def stop(self) -> None:
        await self._together.stop()

    async def _ask(self, asked: list[_Asked]) -> dict[_Asked, Whole]:
        by_tenant: dict[str, list[NodeId]] = {}
        for tenant, node in asked:
            by_tenant.setdefault(tenant, []).append(node)
        found: dict[_Asked, Whole] = {}
        for tenant, nodes in by_tenant.items():
            async with self._store.asking() as tx:
                wholes = await reader.at_once(tx, self._spaces[tenant], nodes)
            found.update(((tenant, node), whole) for node, whole in wholes.items())
        return found

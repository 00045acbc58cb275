"""Read today's context of a customer: find it, wait for it, render it once per version.

A read of an unchanged context costs one look-up (``cx_context.store.customer_index``) and no rendering: the body is
cached by customer and version, and its bytes are sent as they are. Of a changed context only what has changed is
rendered again (``cx_context.store.cached_rendering``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from cx_context.store import Store
from cx_context.store.cached_rendering import PIECES_BYTES, PartsNotKept, Renderer
from cx_context.store.changed_parts import PartsReading
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.context_loader import ContextLoader
from cx_context.store.customer_index import CustomerEntry, CustomerIndex
from cx_context.versions import covers, is_outdated
from cx_context_api.contexts.ambiguity import AmbiguousTarget, read_possible_customers
from cx_context_api.contexts.body_cache import CACHE_BYTES, BodyCache, CachedBody
from cx_context_api.contexts.event_wait import EventWait
from cx_context_api.contexts.lookup import CustomerLookup
from cx_context_api.contexts.rendered import RenderedContext
from cx_context_api.reads.meta import check_epoch
from cx_context_api.reads.point_in_time import unknown_customer
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.targets import Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_runtime.answer_deadline import DEADLINE_SECONDS, within


class CurrentContexts:
    """Reads today's contexts of all tenants.

    ``cache_bytes`` bounds the cached bodies, ``pieces_bytes`` the pieces from which the next bodies are rendered.
    """

    def __init__(
        self,
        store: Store,
        tenancies: Mapping[str, Tenancy],
        index: CustomerIndex,
        *,
        turns: ReadTurns | None = None,
        cache_bytes: int = CACHE_BYTES,
        pieces_bytes: int = PIECES_BYTES,
    ) -> None:
        turns = turns or ReadTurns.of(len(tenancies))
        self._store = store
        self._pages = turns.pages
        self._tenancies = tenancies
        self._lookup = CustomerLookup(store, tenancies, index, turns)
        self._wait = EventWait(store, tenancies, index, self._lookup, turns)
        self._bodies = BodyCache(cache_bytes)
        spaces = {name: tenancy.ids for name, tenancy in tenancies.items()}
        self._loader = ContextLoader(store, spaces, lambda tenant: tenancies[tenant].directory)
        self._renderer = Renderer(pieces_bytes)
        self._in_progress: dict[tuple[str, NodeId], asyncio.Task[RenderedContext]] = {}
        self.rendered = 0

    @property
    def bodies_bytes(self) -> int:
        """Return how many bytes the cached bodies have."""
        return self._bodies.held

    @property
    def pieces_bytes(self) -> int:
        """Return about how much memory the pieces take that are kept."""
        return self._renderer.held

    async def stop(self) -> None:
        """Stop loading."""
        await self._loader.stop()
        await self._wait.stop()

    async def read(
        self, tenant: str, target: Target, at_least: Sequence[EventName] = (), wait: float = 0.0
    ) -> RenderedContext:
        """Return today's context with these events in it.

        Raises ``Refused``: ``unknown-customer`` (404), ``not-yet`` (504), ``dead-lettered`` and ``other-customer``
        (409); ``AmbiguousTarget``; ``TryLater``.
        """
        entry = await self.find(tenant, target, at_least, wait)
        return await self.at(tenant, entry)

    async def find(
        self, tenant: str, target: Target, at_least: Sequence[EventName] = (), wait: float = 0.0
    ) -> CustomerEntry:
        """Return the customer and version that ``read`` would answer with. Raises what it raises."""
        if at_least or wait:
            entry: CustomerEntry | None = await self._wait.wait_for(tenant, target, at_least, wait)
        else:
            entry = await self._lookup.find(tenant, target)
        if entry is None:
            raise unknown_customer()
        check_epoch(entry.version)
        return entry

    async def at(self, tenant: str, entry: CustomerEntry) -> RenderedContext:
        """Return the body at the entry's version or a newer one."""
        cached = self._bodies.get((tenant, entry.customer))
        directory = self._tenancies[tenant].directory.digest
        if cached is not None and covers(cached.version, entry.version) and cached.directory == directory:
            return RenderedContext(entry.customer, cached.version, entry.moved_at, cached.content, cached.digest)
        clock = asyncio.get_running_loop().time
        since = clock()
        if self._renderer.reading_of(tenant, entry.customer) is None:
            inputs = await self._loader.together(tenant, entry.customer)
            if inputs is not None:
                return self._render(inputs, entry.moved_at)
        return await self._read_alone(tenant, entry, DEADLINE_SECONDS - (clock() - since))

    async def load_inputs(self, tenant: str, entry: CustomerEntry) -> ContextInputs:
        """Return all that the body is made of, at the entry's version or a newer one; cache the body, too."""

        async def load() -> ContextInputs | None:
            async with self._pages.turn(tenant):
                return await self._loader.of(tenant, entry.customer)

        inputs = await within(load())
        if inputs is None:
            raise unknown_customer()
        self._render(inputs, entry.moved_at)
        return inputs

    async def possible_customers(self, tenant: str, ambiguous: AmbiguousTarget) -> Json:
        """Return who may be meant, likeliest first, each with the reason, and the shared identifier if there is one."""

        async def read() -> Json:
            async with self._pages.turn(tenant), self._store.reading() as tx:
                return await read_possible_customers(tx, self._tenancies[tenant], ambiguous)

        return await within(read())

    async def _read_alone(self, tenant: str, entry: CustomerEntry, seconds: float) -> RenderedContext:
        """Render a long history. Requests that need the same body wait for one rendering."""
        key = (tenant, entry.customer)
        while True:
            task = self._in_progress.get(key)
            if task is None or task.done():  # its callback has not run yet, and awaiting a done task yields to nobody
                task = asyncio.create_task(within(self._load_alone(tenant, entry), seconds=seconds))
                self._in_progress[key] = task
                task.add_done_callback(lambda done: self._ended(key, done))
            context = await asyncio.shield(task)
            if not is_outdated(context.version, by=entry.version) or context.customer != entry.customer:
                return context

    def _ended(self, key: tuple[str, NodeId], done: asyncio.Task[RenderedContext]) -> None:
        if self._in_progress.get(key) is done:
            del self._in_progress[key]
        if not done.cancelled():
            done.exception()

    async def _load_alone(self, tenant: str, entry: CustomerEntry) -> RenderedContext:
        since = self._renderer.reading_of(tenant, entry.customer)
        try:
            return await self._load_changed(tenant, entry, since)
        except PartsNotKept:
            return await self._load_changed(tenant, entry, None)

    async def _load_changed(self, tenant: str, entry: CustomerEntry, since: PartsReading | None) -> RenderedContext:
        async with self._pages.turn(tenant):
            inputs = await self._loader.alone(tenant, entry.customer, since)
        if inputs is None:
            raise unknown_customer()
        return self._render(inputs, entry.moved_at)

    def _render(self, inputs: ContextInputs, moved_at: float) -> RenderedContext:
        """Return the body of these inputs, rendered if this version is not cached.

        The inputs are one state of the store, later than the entry's: the customer may have merged since.
        """
        tenant, match = inputs.ids.tenant, inputs.found
        cached = self._bodies.get((tenant, match.customer))
        directory = inputs.directory.digest
        if cached is None or cached.version != check_epoch(match.version) or cached.directory != directory:
            content = self._renderer.body(inputs, self._tenancies[tenant].window)
            self.rendered += 1
            cached = CachedBody.of(match.version, content, directory)
            self._bodies.put((tenant, match.customer), cached)
        return RenderedContext(match.customer, cached.version, moved_at, cached.content, cached.digest)

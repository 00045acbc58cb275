"""Read contexts by a contact: its assurance, and assured bodies.

Both are cached by version, as whole bodies are. The clock is read at every request, since proofs expire.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from cx_context.document import Document, context_body, encode_body
from cx_context.store import Store
from cx_context.store.context_inputs import read_inputs_and_assured
from cx_context.store.customer_index import CustomerEntry
from cx_context.versions import covers, is_outdated
from cx_context_api.contexts.body_cache import CACHE_BYTES, BodyCache, CachedBody
from cx_context_api.contexts.contact_assurance import ContactQuery, VersionedAssurance, check_contact, with_others
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.contexts.rendered import RenderedContext
from cx_context_api.decisions import Clock
from cx_context_api.reads.meta import check_epoch
from cx_context_api.reads.point_in_time import unknown_customer
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.targets import Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import TryLater
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_runtime.answer_deadline import within

ASSURED_CACHE_BYTES = CACHE_BYTES // 4
"""Bound of the cached assured bodies."""

_CACHED_CONTACTS = 10_000
_ATTEMPTS = 5


class ContactContexts:
    """Reads contexts of all tenants by a contact. ``now``: the clock by which proofs expire."""

    def __init__(
        self, store: Store, tenancies: Mapping[str, Tenancy], contexts: CurrentContexts, now: Clock, turns: ReadTurns
    ) -> None:
        self._store = store
        self._tenancies = tenancies
        self._contexts = contexts
        self._now = now
        self._pages = turns.pages
        self._bodies = BodyCache(ASSURED_CACHE_BYTES)
        self._assurances: OrderedDict[tuple[str, NodeId, str], VersionedAssurance] = OrderedDict()

    async def read(
        self, tenant: str, target: Target, entry: CustomerEntry, query: ContactQuery
    ) -> tuple[RenderedContext, Json]:
        """Return the context at the entry's version or a newer one, and ``meta.contact``.

        An assured read's body leaves out what only claims tie to the customer. The contact is at least as new as the
        body. Raises what ``CurrentContexts.find`` raises, and ``InsufficientAssurance``.
        """
        for _ in range(_ATTEMPTS):
            assurance = await self.read_assurance(tenant, entry, query.interaction)
            result = check_contact(assurance, query, self._now())
            if query.level is None:
                context = await self._contexts.at(tenant, entry)
            else:
                context = await self._assured_at(tenant, entry, result.alone)
            if context.customer == assurance.customer and not is_outdated(assurance.version, by=context.version):
                return context, with_others(result.contact, entry.others, query.level)
            entry = await self._contexts.find(tenant, target)
        raise TryLater("store", "this customer changes faster than a contact's assurance can be read")

    async def read_contact(self, tenant: str, entry: CustomerEntry, query: ContactQuery) -> Json:
        """Return ``meta.contact`` as it is now. Raises ``InsufficientAssurance``."""
        assurance = await self.read_assurance(tenant, entry, query.interaction)
        return check_contact(assurance, query, self._now()).contact

    async def read_assurance(self, tenant: str, entry: CustomerEntry, interaction: str) -> VersionedAssurance:
        """Return the assurance of one of the customer's contacts, at the entry's version or a newer one."""
        key = (tenant, entry.customer, interaction)
        cached = self._assurances.get(key)
        if cached is not None and covers(cached.version, entry.version):
            self._assurances.move_to_end(key)
            return cached
        inputs = await self._contexts.load_inputs(tenant, entry)
        document = Document(inputs.known_parts, self._tenancies[tenant].window)
        assurance = VersionedAssurance(
            inputs.found.customer,
            check_epoch(inputs.found.version),
            document.assurance_of_interaction(interaction),
            inputs.lifetimes,
            document.profile_assurance_of(interaction),
            document.conversation_id_of_interaction(interaction),
        )
        self._assurances[tenant, assurance.customer, interaction] = assurance
        if len(self._assurances) > _CACHED_CONTACTS:
            self._assurances.popitem(last=False)
        return assurance

    async def _assured_at(self, tenant: str, entry: CustomerEntry, alone: NodeId | None) -> RenderedContext:
        cached = self._bodies.get((tenant, _cache_id(entry.customer, alone)))
        directory = self._tenancies[tenant].directory.digest
        if cached is None or not covers(cached.version, entry.version) or cached.directory != directory:
            return await within(self._render_assured(tenant, entry, alone))
        return RenderedContext(entry.customer, cached.version, entry.moved_at, cached.content, cached.digest)

    async def _render_assured(self, tenant: str, entry: CustomerEntry, alone: NodeId | None) -> RenderedContext:
        tenancy = self._tenancies[tenant]
        directory = tenancy.directory
        async with self._pages.turn(tenant), self._store.reading() as tx:
            loaded = await read_inputs_and_assured(tx, tenancy.ids, entry.customer, tenancy.window, alone)
        if loaded is None:
            raise unknown_customer()
        inputs, assured = loaded[0], replace(loaded[1], directory=directory)
        customer = inputs.found.customer
        content = await asyncio.to_thread(lambda: encode_body(context_body(assured, tenancy.window)))
        body = CachedBody.of(check_epoch(inputs.found.version), content, directory.digest)
        self._bodies.put((tenant, _cache_id(customer, alone)), body)
        return RenderedContext(customer, body.version, entry.moved_at, body.content, body.digest)


def _cache_id(customer: NodeId, alone: NodeId | None) -> NodeId:
    """Return the id by which an assured body is cached."""
    return customer if alone is None else customer + alone

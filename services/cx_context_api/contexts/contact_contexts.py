"""Contexts read by the contact that somebody is in: how sure it is who is at its other end, and assured bodies.

Both are kept by version, as whole bodies are. The clock is asked at every read.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

from cx_context.document import Document, context_body, encode_body
from cx_context.store import Store
from cx_context.store.context_inputs import read_inputs_and_assured
from cx_context.store.customer_index import CustomerEntry
from cx_context.versions import covers, is_outdated
from cx_context_api.contexts.body_cache import CACHE_BYTES, BodyCache, CachedBody
from cx_context_api.contexts.contact_assurance import ContactQuery, VersionedAssurance, check_contact, with_others
from cx_context_api.contexts.current import CurrentContexts, RenderedContext
from cx_context_api.decisions import Clock
from cx_context_api.reads.deadline import within
from cx_context_api.reads.meta import check_epoch
from cx_context_api.reads.point_in_time import unknown_customer
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.targets import Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import TryLater
from cx_events.ids import NodeId
from cx_events.json_types import Json

ASSURED_BYTES = CACHE_BYTES // 4
"""Of assured bodies that are kept."""

_CONTACTS_KEPT = 10_000
_TRIES = 5


class ContactContexts:
    """Reads of every tenant that name a contact. ``now``: the clock by which proofs expire."""

    def __init__(
        self, store: Store, tenancies: Mapping[str, Tenancy], contexts: CurrentContexts, now: Clock, reading: ReadTurns
    ) -> None:
        self._store = store
        self._tenancies = tenancies
        self._contexts = contexts
        self._now = now
        self._pages = reading.pages
        self._assured = BodyCache(ASSURED_BYTES)
        self._sure: OrderedDict[tuple[str, NodeId, str], VersionedAssurance] = OrderedDict()

    async def read(
        self, tenant: str, target: Target, head: CustomerEntry, asked: ContactQuery
    ) -> tuple[RenderedContext, Json]:
        """The context at the head's version or a newer one, and ``meta.contact``; of an assured read what is left where
        claims are left out. The contact is at least as new as the body.

        Raises what ``CurrentContexts.head`` raises, and ``InsufficientAssurance``.
        """
        for _ in range(_TRIES):
            sure = await self.sure(tenant, head, asked.interaction)
            found = check_contact(sure, asked, self._now())
            if asked.level is None:
                served = await self._contexts.at(tenant, head)
            else:
                served = await self._assured_at(tenant, head, found.alone)
            if served.customer == sure.customer and not is_outdated(sure.version, by=served.version):
                return served, with_others(found.contact, head.others, asked.level)
            head = await self._contexts.head(tenant, target)
        raise TryLater("store", "this customer changes faster than a contact's assurance can be told")

    async def contact(self, tenant: str, head: CustomerEntry, asked: ContactQuery) -> Json:
        """``meta.contact`` as it is now. ``InsufficientAssurance``."""
        return check_contact(await self.sure(tenant, head, asked.interaction), asked, self._now()).contact

    async def sure(self, tenant: str, head: CustomerEntry, interaction: str) -> VersionedAssurance:
        """How sure it is who is at the other end of one of the customer's interactions, at the head's version or a
        newer one."""
        key = (tenant, head.customer, interaction)
        kept = self._sure.get(key)
        if kept is not None and covers(kept.version, head.version):
            self._sure.move_to_end(key)
            return kept
        whole = await self._contexts.whole(tenant, head)
        rendering = Document(whole.known_parts, self._tenancies[tenant].window)
        standing, alone = rendering.assurance_of_interaction(interaction), rendering.profile_assurance_of(interaction)
        found = VersionedAssurance(
            whole.found.customer, check_epoch(whole.found.version), standing, whole.lifetimes, alone
        )
        self._sure[tenant, found.customer, interaction] = found
        if len(self._sure) > _CONTACTS_KEPT:
            self._sure.popitem(last=False)
        return found

    async def _assured_at(self, tenant: str, head: CustomerEntry, alone: NodeId | None) -> RenderedContext:
        kept = self._assured.get((tenant, _named(head.customer, alone)))
        if kept is None or not covers(kept.version, head.version):
            return await within(self._find_assured(tenant, head, alone))
        return RenderedContext(head.customer, kept.version, head.moved_at, kept.content, kept.digest)

    async def _find_assured(self, tenant: str, head: CustomerEntry, alone: NodeId | None) -> RenderedContext:
        tenancy = self._tenancies[tenant]
        async with self._pages.turn(tenant), self._store.reading() as tx:
            found = await read_inputs_and_assured(tx, tenancy.ids, head.customer, tenancy.window, alone)
        if found is None:
            raise unknown_customer()
        whole, left = found
        content = await asyncio.to_thread(lambda: encode_body(context_body(left, tenancy.window)))
        body = CachedBody.of(check_epoch(whole.found.version), content)
        self._assured.put((tenant, _named(whole.found.customer, alone)), body)
        return RenderedContext(whole.found.customer, body.version, head.moved_at, body.content, body.digest)


def _named(customer: NodeId, alone: NodeId | None) -> NodeId:
    """Return what an assured body is kept by."""
    return customer if alone is None else customer + alone

"""Read the context as of a moment: as it was (``as_of``, by when things happened), as it was known (``known_at``, by
when the hub recorded them), or both.

An id or an identifier is read as that profile at that moment. A future moment is refused: the answer for a moment must
not change later, except by what is recorded late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cx_context.document import Document, context_body, encode_body
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store import Store
from cx_context.store.customer_lookup import find_interaction
from cx_context.store.snapshot import Snapshot
from cx_context.store.time_bounds import TimeBounds
from cx_context_api.contexts.ambiguity import AmbiguousTarget, read_possible_customers_as_of
from cx_context_api.contexts.body_cache import digest_of
from cx_context_api.contexts.contact_assurance import ContactQuery, VersionedAssurance, check_contact, with_others
from cx_context_api.contexts.rendered import RenderedContext
from cx_context_api.reads.point_in_time import PAST_READ_SECONDS, find_customer_then, snapshot_at, unknown_customer_then
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.targets import ById, ByIdentifier, Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_runtime.answer_deadline import within


async def find_target(snapshot: Snapshot, target: Target) -> tuple[NodeId, Sequence[NodeId]]:
    """Return the customer whom a target stood for, and who else took part if it is an interaction.

    Raises ``Refused("unknown-customer", 404)``, ``AmbiguousTarget``.
    """
    if isinstance(target, ById):
        return await find_customer_then(snapshot, target.node), ()
    if isinstance(target, ByIdentifier):
        for profile in target.profiles:
            match = await snapshot.match_profile(profile)
            if match is not None:
                if match.ambiguous:
                    raise AmbiguousTarget(target)
                return match.customer, ()
        raise unknown_customer_then()
    node = snapshot.ids.interaction(target.interaction)
    found = await find_interaction(snapshot, node, by_last_word=True)
    if found is None:
        raise unknown_customer_then()
    if found.ambiguous:
        raise AmbiguousTarget(target, found.candidates, found.identifier)
    return found.customer, found.others


class PastContexts:
    """Reads past contexts of all tenants."""

    def __init__(self, store: Store, turns: ReadTurns) -> None:
        self._store = store
        self._heavy = turns.heavy

    async def read(
        self, tenancy: Tenancy, target: Target, bounds: TimeBounds, contact_query: ContactQuery | None = None
    ) -> tuple[RenderedContext, Json | None]:
        """Return the context as of a moment, and ``meta.contact`` of the contact that the query names.

        Proofs expire by that moment's clock. The version is 0: a past context has none.
        Raises ``Refused("unknown-customer", 404)``, ``AmbiguousTarget``, ``InsufficientAssurance``.
        """

        async def read() -> tuple[RenderedContext, Json | None]:
            async with self._heavy.turn(tenancy.ids.tenant):
                facts, contact = await self._load(tenancy, target, bounds, contact_query)
                body = await asyncio.to_thread(lambda: encode_body(context_body(facts, tenancy.window)))
            return RenderedContext(facts.customer, 0, 0.0, body, digest_of(body)), contact

        return await within(read(), seconds=PAST_READ_SECONDS)

    async def _load(
        self, tenancy: Tenancy, target: Target, bounds: TimeBounds, contact_query: ContactQuery | None
    ) -> tuple[CustomerFacts, Json | None]:
        async with self._store.reading() as tx:
            snapshot = snapshot_at(tx, tenancy, bounds)
            customer, others = await find_target(snapshot, target)
            facts = await snapshot.load(customer, outlined=True)
            if contact_query is None:
                return facts, None
            document = Document(facts, tenancy.window)
            level = await asyncio.to_thread(document.assurance_of_interaction, contact_query.interaction)
            alone = await asyncio.to_thread(document.profile_assurance_of, contact_query.interaction)
            thread = document.conversation_id_of_interaction(contact_query.interaction)
            assurance = VersionedAssurance(facts.customer, 0, level, facts.lifetimes, alone, thread)
            clock = bounds.until if bounds.as_of is None else bounds.as_of
            result = check_contact(assurance, contact_query, clock)
            if contact_query.level is not None:
                facts = await snapshot.assured(facts, tenancy.window, result.alone)
            return facts, with_others(result.contact, others, contact_query.level)

    async def possible_customers(self, tenancy: Tenancy, ambiguous: AmbiguousTarget, bounds: TimeBounds) -> Json:
        """Return who may have been meant, as ``CurrentContexts.possible_customers`` does."""

        async def read() -> Json:
            async with self._heavy.turn(tenancy.ids.tenant), self._store.reading() as tx:
                return await read_possible_customers_as_of(snapshot_at(tx, tenancy, bounds), tenancy, ambiguous)

        return await within(read(), seconds=PAST_READ_SECONDS)

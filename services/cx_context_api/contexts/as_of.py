"""The context as it was (``as_of``, by when things happened), as it was known (``known_at``, by when the hub heard), or
both: as it was by T, as far as we had been told by K.

An id or an identifier is read as that profile at that moment. A moment that has not come yet is refused: what is
answered of a moment is meant to stay so, but for what is told late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cx_context.document import Document, context_body, encode_body
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store import Store
from cx_context.store.as_of import Snapshot, TimeBounds
from cx_context_api.contexts.ambiguity import AmbiguousTarget, forms_of, taking_part, told_of
from cx_context_api.contexts.body_cache import digest_of
from cx_context_api.contexts.contact_assurance import ContactQuery, VersionedAssurance, check_contact, with_others
from cx_context_api.contexts.current import RenderedContext
from cx_context_api.identity.candidate_views import candidate_view
from cx_context_api.identity.candidates import read_candidate_as_of
from cx_context_api.reads.deadline import within
from cx_context_api.reads.point_in_time import PAST_READ_SECONDS, find_customer_then, snapshot_at, unknown_customer_then
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.targets import ById, ByIdentifier, Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId, parse_node_id
from cx_events.json_types import Json


async def target_then(then: Snapshot, target: Target) -> tuple[NodeId, Sequence[NodeId]]:
    """Whom a target stood for, and who took part besides in an interaction that it is. ``Refused("unknown-customer",
    404)``, ``AmbiguousTarget``."""
    if isinstance(target, ById):
        return await find_customer_then(then, target.node), ()
    if isinstance(target, ByIdentifier):
        for profile in target.profiles:
            customer = await then.find_node(profile)
            if customer is not None:
                if await then.is_ambiguous(profile):
                    raise AmbiguousTarget(target)
                return customer, ()
        raise unknown_customer_then()
    several = set(await then.find_interaction(target.interaction))
    nobody = {id for id in several if await then.is_ambiguous(id) and len(await then.members_of(id)) == 1}
    if len(several - nobody) == 1:
        return (several - nobody).pop(), ()
    if len(several) == 1:
        raise AmbiguousTarget(target, identifier=several.pop())
    if several:
        people = several - nobody or several
        last = await then.last_writer(target.interaction)
        if last in people:
            return last, sorted(people - {last})
        raise AmbiguousTarget(target, tuple(sorted(people)))
    raise unknown_customer_then()


class PastContexts:
    """Reads of any tenant's past."""

    def __init__(self, store: Store, reading: ReadTurns) -> None:
        self._store = store
        self._heavy = reading.heavy

    async def read(
        self, tenancy: Tenancy, target: Target, moment: TimeBounds, asked: ContactQuery | None = None
    ) -> tuple[RenderedContext, Json | None]:
        """Return the context as of a moment, and ``meta.contact`` of the contact that the query names.

        Proofs expire by that moment's clock. The version is 0: a past context has none.
        Raises ``Refused("unknown-customer", 404)``, ``AmbiguousTarget``, ``InsufficientAssurance``.
        """

        async def read() -> tuple[RenderedContext, Json | None]:
            async with self._heavy.turn(tenancy.ids.tenant):
                known, contact = await self._known(tenancy, target, moment, asked)
                body = await asyncio.to_thread(lambda: encode_body(context_body(known, tenancy.window)))
            return RenderedContext(known.customer, 0, 0.0, body, digest_of(body)), contact

        return await within(read(), seconds=PAST_READ_SECONDS)

    async def _known(
        self, tenancy: Tenancy, target: Target, moment: TimeBounds, asked: ContactQuery | None
    ) -> tuple[CustomerFacts, Json | None]:
        async with self._store.reading() as tx:
            then = snapshot_at(tx, tenancy, moment)
            customer, others = await target_then(then, target)
            known = await then.load(customer, outlined=True)
            if asked is None:
                return known, None
            rendering = Document(known, tenancy.window)
            standing = await asyncio.to_thread(rendering.assurance_of_interaction, asked.interaction)
            alone = await asyncio.to_thread(rendering.profile_assurance_of, asked.interaction)
            sure = VersionedAssurance(known.customer, 0, standing, known.lifetimes, alone)
            found = check_contact(sure, asked, moment.until if moment.as_of is None else moment.as_of)
            if asked.level is not None:
                known = await then.assured(known, tenancy.window, found.alone)
            return known, with_others(found.contact, others, asked.level)

    async def candidates(self, tenancy: Tenancy, ambiguous: AmbiguousTarget, moment: TimeBounds) -> Json:
        """Who may have been meant, as ``CurrentContexts.candidates``."""
        return await within(self._candidates(tenancy, ambiguous, moment), seconds=PAST_READ_SECONDS)

    async def _candidates(self, tenancy: Tenancy, ambiguous: AmbiguousTarget, moment: TimeBounds) -> Json:
        async with self._heavy.turn(tenancy.ids.tenant), self._store.reading() as tx:
            then = snapshot_at(tx, tenancy, moment)
            known = await then.profiles(forms_of(ambiguous))
            identifier = next((known[form] for form in forms_of(ambiguous) if form in known), None)
            told = taking_part(ambiguous)
            more: Json = {}
            if identifier is not None:
                dismissed = bool(await then.settled_among([identifier.id]))
                doubt = await read_candidate_as_of(then, identifier)
                told, more = told_of(candidate_view(doubt, dismissed=dismissed), ambiguous)
            named = []
            for one in told:
                body = context_body(await then.load(parse_node_id(one["id"])), tenancy.window)
                named.append({**one, "display": body["customer"]["display"]})
        return {"candidates": named, **more}

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
from cx_context.store.sql import Tx
from cx_context_api.contexts.body_cache import digest_of
from cx_context_api.contexts.contact import Asked, Sure, contact_of, with_others
from cx_context_api.contexts.current import Ambiguous, Served, forms_of, taking_part, told_of
from cx_context_api.decisions import Clock
from cx_context_api.identity.candidates import candidate_view, doubt_then
from cx_context_api.requests.deadline import within
from cx_context_api.requests.queries import Query
from cx_context_api.requests.read_turns import Reading
from cx_context_api.requests.targets import ById, ByIdentifier, Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId, parse_node_id
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time

SKEW = 60_000_000
"""How far a client's clock may be ahead of ours, in µs."""

SECONDS = 20.0
"""A moment of a very long history is allowed more than a read of today."""

FIELDS = ("as_of", "known_at")


def moment_of(query: Query, now: Clock, names: tuple[str, str] = FIELDS) -> TimeBounds | None:
    """Return what is asked of the past, None for today. ``Refused("bad-time", "future-moment", 400)``."""
    bounds = [query.moment(name) for name in names]
    if bounds == [None, None]:
        return None
    for name, bound in zip(names, bounds, strict=True):
        if bound is not None:
            check_past(name, bound, now)
    return TimeBounds(*bounds)


def span_of(query: Query, now: Clock) -> tuple[TimeBounds, TimeBounds]:
    """Return ``from`` and ``to``, ``by`` when things happened or by when the hub heard. ``Refused`` (400)
    ``bad-query``, ``bad-time``, ``future-moment``."""
    by = query.text("by") or FIELDS[0]
    if by not in FIELDS:
        raise Refused("bad-query", f"by={by[:20]}: expected {' or '.join(FIELDS)}", 400)
    one, other = query.moment("from"), query.moment("to")
    if one is None or other is None:
        raise Refused("bad-query", "from and to: two moments are expected", 400)
    check_past("from", one, now)
    check_past("to", other, now)
    if one > other:
        raise Refused("bad-query", "from is later than to", 400)
    if by == FIELDS[0]:
        return TimeBounds(as_of=one), TimeBounds(as_of=other)
    return TimeBounds(known_at=one), TimeBounds(known_at=other)


def check_past(name: str, moment: Micros, now: Clock) -> None:
    if moment > now() + SKEW:
        detail = f"{name}: {format_time(moment)} has not come yet; leave it out to read today"
        raise Refused("future-moment", detail, 400)


def meta_then(moment: TimeBounds) -> Json:
    """What stands beside a body of the past, which has no version."""
    return {"version": None, "current_to": None, "as_of": _told(moment.as_of), "known_at": _told(moment.known_at)}


def _told(bound: Micros | None) -> str | None:
    return format_time(bound) if bound is not None else None


def unknown_then() -> Refused:
    return Refused("unknown-customer", "there was no such customer at that moment", 404)


def then_in(tx: Tx, tenancy: Tenancy, moment: TimeBounds) -> Snapshot:
    return Snapshot(tx, tenancy.ids, tenancy.rules, moment)


async def customer_then(then: Snapshot, node: NodeId) -> NodeId:
    """``Refused("unknown-customer", 404)``."""
    customer = await then.find_node(node)
    if customer is None:
        raise unknown_then()
    return customer


async def target_then(then: Snapshot, target: Target) -> tuple[NodeId, Sequence[NodeId]]:
    """Whom a target stood for, and who took part besides in an interaction that it is. ``Refused("unknown-customer",
    404)``, ``Ambiguous``."""
    if isinstance(target, ById):
        return await customer_then(then, target.node), ()
    if isinstance(target, ByIdentifier):
        for profile in target.profiles:
            customer = await then.find_node(profile)
            if customer is not None:
                if await then.is_ambiguous(profile):
                    raise Ambiguous(target)
                return customer, ()
        raise unknown_then()
    several = set(await then.find_interaction(target.interaction))
    nobody = {id for id in several if await then.is_ambiguous(id) and len(await then.members_of(id)) == 1}
    if len(several - nobody) == 1:
        return (several - nobody).pop(), ()
    if len(several) == 1:
        raise Ambiguous(target, identifier=several.pop())
    if several:
        people = several - nobody or several
        last = await then.last_writer(target.interaction)
        if last in people:
            return last, sorted(people - {last})
        raise Ambiguous(target, tuple(sorted(people)))
    raise unknown_then()


class Past:
    """Reads of any tenant's past."""

    def __init__(self, store: Store, reading: Reading) -> None:
        self._store = store
        self._heavy = reading.heavy

    async def read(
        self, tenancy: Tenancy, target: Target, moment: TimeBounds, asked: Asked | None = None
    ) -> tuple[Served, Json | None]:
        """The context, and ``meta.contact`` of the contact that is asked about, at that moment by that moment's clock.
        Version 0: a past has none. ``Refused("unknown-customer", 404)``, ``Ambiguous``, ``NotAssured``."""

        async def read() -> tuple[Served, Json | None]:
            async with self._heavy.turn(tenancy.ids.tenant):
                known, contact = await self._known(tenancy, target, moment, asked)
                body = await asyncio.to_thread(lambda: encode_body(context_body(known, tenancy.window)))
            return Served(known.customer, 0, 0.0, body, digest_of(body)), contact

        return await within(read(), seconds=SECONDS)

    async def _known(
        self, tenancy: Tenancy, target: Target, moment: TimeBounds, asked: Asked | None
    ) -> tuple[CustomerFacts, Json | None]:
        async with self._store.reading() as tx:
            then = then_in(tx, tenancy, moment)
            customer, others = await target_then(then, target)
            known = await then.load(customer, outlined=True)
            if asked is None:
                return known, None
            rendering = Document(known, tenancy.window)
            standing = await asyncio.to_thread(rendering.assurance_of_interaction, asked.interaction)
            alone = await asyncio.to_thread(rendering.profile_assurance_of, asked.interaction)
            sure = Sure(known.customer, 0, standing, known.lifetimes, alone)
            found = contact_of(sure, asked, moment.until if moment.as_of is None else moment.as_of)
            if asked.level is not None:
                known = await then.assured(known, tenancy.window, found.alone)
            return known, with_others(found.contact, others, asked.level)

    async def candidates(self, tenancy: Tenancy, ambiguous: Ambiguous, moment: TimeBounds) -> Json:
        """Who may have been meant, as ``Contexts.candidates``."""
        return await within(self._candidates(tenancy, ambiguous, moment), seconds=SECONDS)

    async def _candidates(self, tenancy: Tenancy, ambiguous: Ambiguous, moment: TimeBounds) -> Json:
        async with self._heavy.turn(tenancy.ids.tenant), self._store.reading() as tx:
            then = then_in(tx, tenancy, moment)
            known = await then.profiles(forms_of(ambiguous))
            identifier = next((known[form] for form in forms_of(ambiguous) if form in known), None)
            told = taking_part(ambiguous)
            more: Json = {}
            if identifier is not None:
                dismissed = bool(await then.settled_among([identifier.id]))
                doubt = await doubt_then(then, identifier)
                told, more = told_of(candidate_view(doubt, dismissed=dismissed), ambiguous)
            named = []
            for one in told:
                body = context_body(await then.load(parse_node_id(one["id"])), tenancy.window)
                named.append({**one, "display": body["customer"]["display"]})
        return {"candidates": named, **more}

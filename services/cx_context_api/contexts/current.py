"""The context document: found, waited for, rendered once per version.

A read of a context that has not changed costs one look-up (``cx_context.store.customer_index``) and no rendering: the
body's bytes are kept by customer and version, and go out as they are. Of one that has changed, only what has changed is
rendered again (``cx_context.store.rendering``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cx_context.document import context_body
from cx_context.store import Store
from cx_context.store.batch_loader import BatchLoader
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.context_loader import ContextLoader, load_known
from cx_context.store.customer_index import CustomerEntry, CustomerIndex
from cx_context.store.dead_letters import read_reason
from cx_context.store.events import AppliedEvent, StoredEvent, read_applied, read_event
from cx_context.store.finding import CustomerMatch, find_at, find_interaction, find_node, find_profile
from cx_context.store.graph import read_profiles
from cx_context.store.leases import read_current_to
from cx_context.store.members import customers_of
from cx_context.store.rendering import PIECES_BYTES, Renderer
from cx_context.store.rule_changes import read_rules_in_force
from cx_context.store.settled import settled_among
from cx_context.store.sql import Tx
from cx_context.versions import covers, is_outdated
from cx_context_api.contexts.ambiguity import AmbiguousTarget, forms_of, taking_part, told_of
from cx_context_api.contexts.body_cache import CACHE_BYTES, BodyCache, CachedBody
from cx_context_api.identity.candidate_views import candidate_view
from cx_context_api.identity.candidates import read_candidate
from cx_context_api.reads.deadline import DEADLINE_SECONDS, within
from cx_context_api.reads.meta import check_epoch
from cx_context_api.reads.point_in_time import unknown_customer
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.targets import ById, ByIdentifier, Target
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId, event_key, parse_node_id
from cx_events.json_types import Json
from cx_identity.evidence import links_of

_FIRST_PAUSE = 0.004
"""Sooner no event is applied that was accepted a moment ago."""

_NEXT_PAUSE = 0.0015
_LONGEST_PAUSE = 0.02
_GROWS = 1.25
_LONG_QUESTION = 0.25
_MOST_KEYS = 1_000


class RenderedContext(NamedTuple):
    """A context. ``moved_at``: when a projector last moved on, in seconds since 1970. ``digest``: of the body's bytes,
    16 hex digits."""

    customer: NodeId
    version: int
    moved_at: float
    body: bytes
    digest: str


class CurrentContexts:
    """Reads of every tenant. ``cache_bytes`` bounds the bodies that are kept, ``pieces_bytes`` what the next bodies can
    be made of again."""

    def __init__(
        self,
        store: Store,
        tenancies: Mapping[str, Tenancy],
        heads: CustomerIndex,
        *,
        reading: ReadTurns | None = None,
        cache_bytes: int = CACHE_BYTES,
        pieces_bytes: int = PIECES_BYTES,
    ) -> None:
        self._store = store
        self._pages = (reading or ReadTurns.of(len(tenancies))).pages
        self._tenancies = tenancies
        self._heads = heads
        self._bodies = BodyCache(cache_bytes)
        self._wholes = ContextLoader(store, {name: tenancy.ids for name, tenancy in tenancies.items()})
        self._applied = BatchLoader(self._which_are_applied, most=_MOST_KEYS)
        self._renderer = Renderer(pieces_bytes)
        self._under_way: dict[tuple[str, NodeId], asyncio.Task[RenderedContext]] = {}
        self.rendered = 0

    async def stop(self) -> None:
        await self._wholes.stop()
        await self._applied.stop()

    async def read(
        self, tenant: str, target: Target, at_least: Sequence[EventName] = (), wait: float = 0.0
    ) -> RenderedContext:
        """The context of today, with these events in it.

        Raises ``Refused``: ``unknown-customer`` (404), ``not-yet`` (504), ``dead-lettered`` and ``other-customer``
        (409); ``AmbiguousTarget``; ``TryLater``.
        """
        head = await self.head(tenant, target, at_least, wait)
        return await self.at(tenant, head)

    async def head(
        self, tenant: str, target: Target, at_least: Sequence[EventName] = (), wait: float = 0.0
    ) -> CustomerEntry:
        """Whose and how new, as ``read``, without the body."""
        if at_least or wait:
            found: CustomerEntry | None = await self._awaited(tenant, target, at_least, wait)
        else:
            found = await self._find(tenant, target)
        if found is None:
            raise unknown_customer()
        check_epoch(found.version)
        return found

    async def _find(self, tenant: str, target: Target) -> CustomerEntry | None:
        """By the short way where the target is a profile, as nearly always."""
        head = await self._by_profile(tenant, target)
        if head is None and isinstance(target, ByIdentifier):
            return None
        if head is None or head.ambiguous:
            return await within(self._found(tenant, target))
        return head

    async def _by_profile(self, tenant: str, target: Target) -> CustomerEntry | None:
        """Of a target that is a profile; the identifier's likeliest form that is one."""
        if isinstance(target, ById):
            head = await self._heads.of(tenant, target.node)
            return head if head is None or not head.ambiguous else head._replace(ambiguous=False)
        for profile in target.profiles if isinstance(target, ByIdentifier) else ():
            head = await self._heads.of(tenant, profile)
            if head is not None:
                return head
        return None

    async def _found(self, tenant: str, target: Target) -> CustomerEntry | None:
        async with self._pages.turn(tenant), self._store.reading() as tx:
            return await self._found_in(tx, tenant, target)

    async def _found_in(self, tx: Tx, tenant: str, target: Target) -> CustomerEntry | None:
        found: CustomerMatch | None = None
        if isinstance(target, ByIdentifier):
            for profile in target.profiles:
                found = await find_profile(tx, tenant, profile)
                if found is not None:
                    break
        elif isinstance(target, ById):
            found = await find_node(tx, tenant, target.node)
        else:
            found = await find_interaction(
                tx, tenant, self._tenancies[tenant].ids, target.interaction, by_last_word=True
            )
        if found is None:
            return None
        if found.ambiguous:
            raise AmbiguousTarget(target, found.candidates, found.identifier)
        return CustomerEntry(found.customer, False, found.version, await read_current_to(tx), found.others)

    async def _awaited(self, tenant: str, target: Target, at_least: Sequence[EventName], wait: float) -> CustomerEntry:
        """Whoever waits asks one short question again and again, together with all others who wait; the long one only
        where the short ones leave a doubt, seldom otherwise (a dead letter), and once time is up."""
        clock = asyncio.get_running_loop().time
        until = clock() + wait
        keys = [(tenant, event_key(tenant, *name)) for name in at_least]
        again = clock() + _LONG_QUESTION
        pause = _FIRST_PAUSE
        while True:
            stored = [await self._applied.of(key) for key in keys]
            known = [each for each in stored if each is not None]
            complete = len(known) == len(keys)
            now = clock()
            if complete or now >= min(again, until):
                head = await self._quickly(tenant, target, known) if complete and known else None
                head = head or await within(self._with_events(tenant, target, at_least))
                if head is not None:
                    return head
                again = clock() + _LONG_QUESTION
            if now >= until:
                break
            await asyncio.sleep(min(pause, max(until - clock(), 0)))
            pause = _NEXT_PAUSE if pause == _FIRST_PAUSE else min(pause * _GROWS, _LONGEST_PAUSE)
        if not at_least:
            raise unknown_customer()
        raise Refused("not-yet", f"not every event of at_least was applied within {wait:g} s; ask again", 504)

    async def _which_are_applied(self, asked: list[tuple[str, bytes]]) -> dict[tuple[str, bytes], AppliedEvent]:
        async with self._store.asking() as tx:
            stored = await read_applied(tx, [key for _, key in asked])
        return {(tenant, key): stored[key] for tenant, key in asked if key in stored}

    async def _quickly(self, tenant: str, target: Target, stored: Sequence[AppliedEvent]) -> CustomerEntry | None:
        """The head of a profile's customer that all these events plainly belong to, as nearly always."""
        if any(event.is_problem for event in stored):
            return None
        stream_ids = {event.stream_id for event in stored}
        head, *others = await asyncio.gather(
            self._by_profile(tenant, target), *(self._heads.of(tenant, stream_id) for stream_id in stream_ids)
        )
        if head is None or head.ambiguous:
            return None
        plain = all(other is not None and not other.ambiguous and other.customer == head.customer for other in others)
        return head if plain else None

    async def _with_events(self, tenant: str, target: Target, at_least: Sequence[EventName]) -> CustomerEntry | None:
        """None while an event is missing, or, where none is asked for, the customer."""
        ids = self._tenancies[tenant].ids
        async with self._pages.turn(tenant), self._store.reading() as tx:
            stored = [await _applied(tx, tenant, name) for name in at_least]
            if None in stored:
                return None
            head = await self._found_in(tx, tenant, target)
            if head is None:
                if at_least:
                    raise unknown_customer()
                return None
            for name, event in zip(at_least, stored, strict=True):
                assert event is not None
                if not await _concerns(tx, tenant, ids, event, head.customer):
                    raise Refused("other-customer", f"the event {name} is another customer's", 409)
            return head

    async def at(self, tenant: str, head: CustomerEntry) -> RenderedContext:
        """The body at the head's version or a newer one."""
        kept = self._bodies.get((tenant, head.customer))
        if kept is not None and covers(kept.version, head.version):
            return RenderedContext(head.customer, kept.version, head.moved_at, kept.content, kept.digest)
        clock = asyncio.get_running_loop().time
        since = clock()
        whole = await self._wholes.together(tenant, head.customer)
        if whole is not None:
            return self._rendered(whole, head.moved_at)
        return await self._body_alone(tenant, head, DEADLINE_SECONDS - (clock() - since))

    async def whole(self, tenant: str, head: CustomerEntry) -> ContextInputs:
        """All that the body is made of, at the head's version or a newer one; the body is kept, too."""

        async def read() -> ContextInputs | None:
            async with self._pages.turn(tenant):
                return await self._wholes.of(tenant, head.customer)

        found = await within(read())
        if found is None:
            raise unknown_customer()
        self._rendered(found, head.moved_at)
        return found

    async def _body_alone(self, tenant: str, head: CustomerEntry, patience: float) -> RenderedContext:
        """Of whom it takes long to tell: those who need the same body wait for one rendering."""
        key = (tenant, head.customer)
        while True:
            task = self._under_way.get(key)
            if task is None or task.done():  # not noted yet: to await it would give nobody else a turn
                task = asyncio.create_task(within(self._alone(tenant, head), seconds=patience))
                self._under_way[key] = task
                task.add_done_callback(lambda done: self._ended(key, done))
            served = await asyncio.shield(task)
            if not is_outdated(served.version, by=head.version) or served.customer != head.customer:
                return served

    def _ended(self, key: tuple[str, NodeId], done: asyncio.Task[RenderedContext]) -> None:
        if self._under_way.get(key) is done:
            del self._under_way[key]
        if not done.cancelled():
            done.exception()

    async def _alone(self, tenant: str, head: CustomerEntry) -> RenderedContext:
        async with self._pages.turn(tenant):
            whole = await self._wholes.alone(tenant, head.customer)
        if whole is None:
            raise unknown_customer()
        return self._rendered(whole, head.moved_at)

    def _rendered(self, whole: ContextInputs, moved_at: float) -> RenderedContext:
        """All from one state of the store, later than the head's: the customer may have become part of another. Who
        asked together has one rendering."""
        tenant, found = whole.ids.tenant, whole.found
        kept = self._bodies.get((tenant, found.customer))
        if kept is None or kept.version != check_epoch(found.version):
            content = self._renderer.body(whole, self._tenancies[tenant].window)
            self.rendered += 1
            kept = CachedBody.of(found.version, content)
            self._bodies.put((tenant, found.customer), kept)
        return RenderedContext(found.customer, kept.version, moved_at, kept.content, kept.digest)

    async def candidates(self, tenant: str, ambiguous: AmbiguousTarget) -> Json:
        """Who may be meant, likeliest first, each with why; of a shared identifier, what is known of that, too."""
        return await within(self._candidates(tenant, ambiguous))

    async def _candidates(self, tenant: str, ambiguous: AmbiguousTarget) -> Json:
        tenancy = self._tenancies[tenant]
        async with self._pages.turn(tenant), self._store.reading() as tx:
            known = await read_profiles(tx, tenant, forms_of(ambiguous))
            identifier = next((known[form] for form in forms_of(ambiguous) if form in known), None)
            told = taking_part(ambiguous)
            more: Json = {}
            if identifier is not None:
                rules = await read_rules_in_force(tx, tenant, tenancy.rules)
                doubt = await read_candidate(tx, tenancy.ids, identifier, rules)
                dismissed = bool(await settled_among(tx, tenant, [identifier.id]))
                told, more = told_of(candidate_view(doubt, dismissed=dismissed), ambiguous)
            return {"candidates": [await self._with_name(tx, tenancy, one) for one in told], **more}

    @staticmethod
    async def _with_name(tx: Tx, tenancy: Tenancy, candidate: Json) -> Json:
        known = await load_known(tx, tenancy.ids, parse_node_id(candidate["id"]), timeline=1)
        return {**candidate, "display": context_body(known, tenancy.window)["customer"]["display"]}


async def _applied(tx: Tx, tenant: str, name: EventName) -> StoredEvent | None:
    """``Refused("dead-lettered", 409)`` for an event that will never be applied as it is."""
    stored = await read_event(tx, tenant, event_key(tenant, *name))
    why = stored.problem if stored is not None else await read_reason(tx, tenant, *name)
    if why is not None:
        raise Refused("dead-lettered", f"the event {name} lies in the dead letters: {why}"[:2000], 409)
    return stored


async def _concerns(tx: Tx, tenant: str, ids: IdSpace, event: StoredEvent, customer: NodeId) -> bool:
    """Whether an event is the customer's, names it from elsewhere, or is about who is who at large."""
    if event.stream_id == ids.tenant_node():
        return True
    fact = Fact(decode_leniently(event.raw)[0], event.raw, ids)
    found = await find_at(tx, tenant, event.stream_id, fact.interaction_node)
    if found is not None and found.customer == customer:
        return True
    named = links_of(fact, ids).profiles
    return customer in (await customers_of(tx, tenant, [profile.id for profile in named])).values()

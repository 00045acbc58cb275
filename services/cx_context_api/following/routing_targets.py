"""Following a desk: what an agent, or who looks after a queue, is to deal with now. Each interaction that comes to it
brings its customer's context along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from cx_context.parts.merge import combine
from cx_context.parts.model import Part
from cx_context.parts.places import KeyedPart
from cx_context.routing_targets import RoutingTarget, routing_targets
from cx_context.sections.agents import name_view, names_of
from cx_context.store import assignments, ownership
from cx_context.store.sql import Tx
from cx_context.threading.contacts import contacts_of
from cx_context_api.contexts.contact_assurance import ContactQuery
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.following import sse
from cx_context_api.following.customers import with_contact
from cx_context_api.following.resume_token import DIGEST, encode_digests
from cx_context_api.following.subscriptions import Interest, Subscription
from cx_context_api.reads.meta import context_document, current_meta
from cx_context_api.requests.targets import ById
from cx_events.errors import Refused, TooFast
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.timestamps import Micros, format_time

MOST_LIVE = 1_000
"""Interactions on one desk that its followers are told of."""

Key = tuple[NodeId, NodeId]
"""An interaction's node, and its customer: a post may be many people's."""


class Assignment(NamedTuple):
    """An interaction on a desk. ``told``: what is told, the context apart. ``digest``: of what makes it another."""

    interaction: str
    customer: NodeId
    told: Mapping[str, Any]
    digest: bytes


class LiveAssignments(NamedTuple):
    """All that is on a desk. ``more``: there is more than is told of."""

    assigned: Mapping[Key, Assignment]
    more: bool


async def read_live_assignments(tx: Tx, ids: IdSpace, desk: RoutingTarget, window: Micros) -> LiveAssignments:
    """What concerns a desk now, that which was active last first. The table says which interactions may, their parts
    say which do: who takes part in an interaction, and how it ended, may stand in another part than the agent. Of an
    endless interaction the latest stretch is what somebody deals with."""
    tenant = ids.tenant
    nodes = await assignments.of_desk(tx, tenant, desk, MOST_LIVE + 1)
    sides = await assignments.owners_of(tx, tenant, nodes[:MOST_LIVE])
    read_customer = await ownership.sides(tx, tenant, sides)
    found: list[tuple[Any, Key, Assignment]] = []
    for node, by_stream in sides.items():
        by_customer: dict[NodeId, list[KeyedPart]] = {}
        for stream_id, parts in by_stream.items():
            by_customer.setdefault(read_customer[node].by_stream[stream_id], []).extend(parts)
        for customer, parts in by_customer.items():
            contacts = contacts_of(parts, window)
            if not contacts and any(piece.part.events for piece in parts):
                continue  # what a CRM tells is no contact
            whole = contacts[-1].part if contacts else combine(piece.part for piece in parts)
            reason = routing_targets(whole).get(desk)
            if reason is not None:
                since = format_time(reason.at[0])
                found.append((whole.last, (node, customer), _assigned(whole, customer, reason.why, since)))
    found.sort(key=lambda item: (item[0] or (), item[1]), reverse=True)
    return LiveAssignments({key: assigned for _, key, assigned in found}, len(nodes) > MOST_LIVE)


def _assigned(part: Part, customer: NodeId, why: str, since: str) -> Assignment:
    names = names_of([part])
    agent, queue = name_view("agent", part.agent, names), name_view("queue", part.queue, names)
    told = {
        "interaction": part.interaction,
        "channel": part.channel[1] if part.channel is not None else None,
        "customer": text_of(customer),
        "why": why,
        "since": since,
        "agent": agent,
        "queue": queue,
    }
    what = "\0".join((part.interaction, text_of(customer), why, since))
    return Assignment(part.interaction, customer, told, blake2b(what.encode(), digest_size=DIGEST).digest())


class RoutingTargetSubscription(Subscription):
    def __init__(self, read: Callable[[], Awaitable[LiveAssignments]], tenant: str, desk: RoutingTarget) -> None:
        super().__init__((desk, tenant))
        self.tenant = tenant
        self.desk = desk
        self.live = LiveAssignments({}, False)
        self._read = read

    async def look(self) -> bool:
        before, self.live = self.live, await self._read()
        customers: Iterable[Interest] = ((self.tenant, text_of(one.customer)) for one in self.live.assigned.values())
        self.interests = frozenset({(self.tenant, *self.desk), *customers})
        return self.live != before


class RoutingTargetFollower:
    """``seen``: digests of what it had before it came. What it was given since is kept, and nothing that waits: the
    next thing to tell is found when it can be told."""

    __slots__ = ("_at_hand", "_contexts", "_given", "_greeted", "_ids", "seen", "watch")

    def __init__(
        self, watch: RoutingTargetSubscription, contexts: CurrentContexts, at_hand: ContactContexts, ids: IdSpace
    ) -> None:
        self._at_hand = at_hand
        self.watch = watch
        self.seen: frozenset[bytes] = frozenset()
        self._given: dict[Key, Assignment] = {}
        self._greeted = False
        self._contexts = contexts
        self._ids = ids

    async def news(self) -> bytes:
        """The next interaction that left, or came, or changed; after the first ones the names of all that are live, so
        that who resumes can put away the others."""
        live = self.watch.live
        for key, given in self._given.items():
            if key not in live.assigned:
                del self._given[key]
                gone = {"interaction": given.interaction, "customer": text_of(given.customer)}
                return sse.told("released", gone, self._id())
        for key, assigned in live.assigned.items():
            known = self._given.get(key)
            if known is not None and known.digest == assigned.digest:
                continue
            if known is None and assigned.digest in self.seen:
                self._given[key] = assigned
                continue
            context = await self._context(assigned)
            self._given[key] = assigned
            told = msgspec.json.encode(assigned.told)
            return sse.event("assignment", told[:-1] + b',"context":' + context + b"}", self._id())
        if not self._greeted:
            self._greeted = True
            names = [
                {"interaction": one.interaction, "customer": text_of(one.customer)} for one in self._given.values()
            ]
            return sse.told("live", {"assignments": names, "more": live.more}, self._id())
        return b""

    async def _context(self, assigned: Assignment) -> bytes:
        tenant, target = self.watch.tenant, ById(assigned.customer)
        try:
            head = await self._contexts.head(tenant, target)
            asked = ContactQuery(assigned.interaction)
            served, contact = await self._at_hand.read(tenant, target, head, asked)
        except TooFast:
            raise
        except Refused:  # it was there a moment ago: whose the interaction is changes just now, and is told next
            return b"null"
        meta = with_contact(current_meta(served.version, served.moved_at), contact)
        return context_document(msgspec.json.encode(meta), served.body)

    def _id(self) -> str:
        return encode_digests(self._ids, self.watch.desk.kind.encode(), [one.digest for one in self._given.values()])

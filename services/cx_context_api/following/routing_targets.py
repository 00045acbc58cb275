"""Follow a routing target: the interactions that an agent or a queue has to deal with, each with its context."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from cx_context.directory_names import named_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import combine
from cx_context.parts.model import Part
from cx_context.routing_targets import RoutingTarget, routing_targets
from cx_context.sections.agents import name_view, names_of
from cx_context.sections.handoff_acceptances import agent_of
from cx_context.store import assignments, ownership
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.sql import Tx
from cx_context.threading.contacts import contacts_of
from cx_context_api.contexts.contact_assurance import ContactQuery
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.following.customers import with_contact
from cx_context_api.following.overdue import Mark, Over, OverdueTeller, read_over
from cx_context_api.following.resume_token import DIGEST, encode_target, pack_target
from cx_context_api.following.sse import Frame, json_frame
from cx_context_api.following.subscriptions import Interest, Subscription
from cx_context_api.reads.meta import context_document, current_meta
from cx_context_api.requests.targets import ById
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.errors import Refused, TooFast
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time, parse_time

MAX_LIVE = 1_000
"""Interactions of one routing target that its followers are told of."""

LATE_SECONDS = 3600.0
"""Age at which what comes to a desk is no news: history that is imported, or projectors that were down for long."""

MOST_MARKED = 50
"""Digests of a routing target in ``Last-Event-ID`` of several subjects. What does not fit is sent again."""

_MARK = 8

NO_BOUNDS: Mapping[str, int] = MappingProxyType({})

Key = tuple[NodeId, NodeId]
"""(interaction's node, customer): several people may take part in a post."""


class Assignment(NamedTuple):
    """An interaction of a routing target.

    ``view``: its JSON without the context. ``digest``: of what, if it changes, makes it a new assignment.
    """

    interaction: str
    customer: NodeId
    view: Mapping[str, Any]
    digest: bytes


@dataclass(frozen=True)
class LiveAssignments:
    """All assignments of a routing target. ``more``: there are more than ``MAX_LIVE``. ``over``: its waits that are
    over their queue's bound."""

    by_key: Mapping[Key, Assignment]
    more: bool
    over: tuple[Over, ...] = ()

    @cached_property
    def mark(self) -> bytes:
        """Return a digest of all that is live, as it is told: who deals with it may change alone.

        It is worked out once for all followers: every event that they are sent bears it.
        """
        told = b"".join(sorted(msgspec.json.encode(one.view, order="sorted") for one in self.by_key.values()))
        return blake2b(told + bytes([self.more]), digest_size=_MARK).digest()


async def read_live_assignments(
    tx: Tx,
    ids: IdSpace,
    target: RoutingTarget,
    window: Micros,
    directory: Directory = NO_DIRECTORY,
    bounds: Mapping[str, int] = NO_BOUNDS,
) -> LiveAssignments:
    """Return what a routing target has to deal with now, the last active first.

    The table of assignments says which interactions may count, their parts say which do: who takes part, and how the
    interaction ended, may be in another part than the agent. Of an endless interaction only the latest contact counts.
    The table has the ids that vendors gave, so all of the target's are looked for. ``bounds``: by queue, the seconds
    within which customers are to be answered.
    """
    tenant = ids.tenant
    names = directory.ids_of(target.kind, target.name)
    nodes = await assignments.of_desk(tx, tenant, target.kind, names, MAX_LIVE + 1)
    sides = await assignments.owners_of(tx, tenant, nodes[:MAX_LIVE])
    owners = await ownership.owners_of_interactions(CurrentGraph(tx, tenant), sides)
    assigned: list[tuple[Any, Key, Assignment]] = []
    for node, by_stream in sides.items():
        by_customer: dict[NodeId, list[KeyedPart]] = {}
        for stream_id, parts in by_stream.items():
            by_customer.setdefault(owners[node].by_stream[stream_id], []).extend(parts)
        for customer, parts in by_customer.items():
            contacts = contacts_of(parts, window)
            if not contacts and any(piece.part.events for piece in parts):
                continue  # a CRM's facts are no contact
            part = contacts[-1].part if contacts else combine(piece.part for piece in parts)
            part = named_part(part, directory)
            reason = routing_targets(part).get(target)
            if reason is not None:
                since = format_time(reason.at[0])
                assigned.append((part.last, (node, customer), _assignment(part, customer, reason.why, since)))
    assigned.sort(key=lambda item: (item[0] or (), item[1]), reverse=True)
    named = {(each.interaction, each.customer) for _, _, each in assigned}
    over = await read_over(tx, tenant, target, directory, bounds, named)
    return LiveAssignments({key: each for _, key, each in assigned}, len(nodes) > MAX_LIVE, over)


def _assignment(part: Part, customer: NodeId, why: str, since: str) -> Assignment:
    names = names_of([part])
    agent, queue = name_view("agent", agent_of(part), names), name_view("queue", part.queue, names)
    view = {
        "interaction": part.interaction,
        "channel": part.channel[1] if part.channel is not None else None,
        "customer": text_of(customer),
        "why": why,
        "since": since,
        "agent": agent,
        "queue": queue,
    }
    what = "\0".join((part.interaction, text_of(customer), why, since))
    return Assignment(part.interaction, customer, view, blake2b(what.encode(), digest_size=DIGEST).digest())


class RoutingTargetSubscription(Subscription):
    """A followed routing target, by any of its ids. ``read`` returns its interactions, ``names`` the ids by which
    notices may name it; both as the directory of agents is then."""

    def __init__(
        self,
        read: Callable[[], Awaitable[LiveAssignments]],
        tenant: str,
        target: RoutingTarget,
        names: Callable[[], Iterable[str]],
    ) -> None:
        super().__init__((target, tenant))
        self.tenant = tenant
        self.target = target
        self.live = LiveAssignments({}, False)
        self._read = read
        self._names = names

    async def refresh(self) -> bool:
        named: list[Interest] = [(self.tenant, self.target.kind, name) for name in self._names()]
        live = await self._read()
        is_news = live != self.live
        if is_news:  # else what was worked out of it holds still
            self.live = live
        customers: Iterable[Interest] = ((self.tenant, text_of(one.customer)) for one in self.live.by_key.values())
        self.interests = frozenset((*named, *customers))
        return is_news


class RoutingTargetFollower:
    """One client of a routing target.

    ``seen``: digests of what it had before it connected; ``overdue``: the mark of the waits it was told of. The
    follower remembers what it has sent since, and queues
    nothing: the next event is worked out when it can be sent.
    """

    __slots__ = (
        "_contact_contexts",
        "_contexts",
        "_ids",
        "_live_sent",
        "_overdue",
        "_sent",
        "_stream",
        "seen",
        "subscription",
    )

    def __init__(
        self,
        subscription: RoutingTargetSubscription,
        contexts: CurrentContexts,
        contact_contexts: ContactContexts,
        ids: IdSpace,
        stream: bytes,
        overdue: Mark = b"",
    ) -> None:
        self._contact_contexts = contact_contexts
        self.subscription = subscription
        self.seen: frozenset[bytes] = frozenset()
        self._overdue = OverdueTeller(overdue)
        self._sent: dict[Key, Assignment] = {}
        self._live_sent = False
        self._contexts = contexts
        self._ids = ids
        self._stream = stream

    def mark(self) -> bytes:
        """Return what the client has, for ``Last-Event-ID`` of a stream of several subjects."""
        return pack_target(self._overdue.mark(), [one.digest for one in self._sent.values()][:MOST_MARKED])

    async def next_frames(self) -> list[Frame]:
        """Return the next interaction that left, came or changed.

        After the first ones send ``live``, the names of all: a client that resumes then drops the others.
        """
        live = self.subscription.live
        for key, sent in self._sent.items():
            if key not in live.by_key:
                del self._sent[key]
                return [json_frame("released", _names(sent), self._id())]
        for key, assigned in live.by_key.items():
            known = self._sent.get(key)
            if known is not None and known.digest == assigned.digest:
                continue
            if known is None and assigned.digest in self.seen:
                self._sent[key] = assigned
                continue
            context = await self._context(assigned)
            self._sent[key] = assigned
            view = msgspec.json.encode(view_of(assigned, is_news=self._live_sent))
            return [Frame("assignment", view[:-1] + b',"context":' + context + b"}", self._id())]
        if not self._live_sent:
            self._live_sent = True
            names = [_names(one) for one in self._sent.values()]
            return [json_frame("live", {"assignments": names, "more": live.more}, self._id())]
        frames = self._overdue.next_frames(live.over)
        return [*frames[:-1], frames[-1]._replace(id=self._id())] if frames else []

    async def _context(self, assigned: Assignment) -> bytes:
        tenant, target = self.subscription.tenant, ById(assigned.customer)
        try:
            entry = await self._contexts.find(tenant, target)
            query = ContactQuery(assigned.interaction)
            context, contact = await self._contact_contexts.read(tenant, target, entry, query)
        except TooFast:
            raise
        except Refused:  # the interaction is changing its customer; the next refresh tells it
            return b"null"
        meta = with_contact(current_meta(context.version, context.moved_at), contact)
        return context_document(msgspec.json.encode(meta), context.body)

    def _id(self) -> str:
        digests = [one.digest for one in self._sent.values()]
        return encode_target(self._ids, self._stream, self._overdue.mark(), digests)


class LightTargetFollower:
    """One client of a routing target that is sent no contexts: ``live`` brings all assignments, then each change.

    ``mark``: what it had before it connected; ``live`` is not sent again where that is so still.
    """

    __slots__ = ("_live_sent", "_overdue", "_seen", "_sent", "subscription")

    def __init__(self, subscription: RoutingTargetSubscription, mark: bytes = b"") -> None:
        self.subscription = subscription
        self._seen = mark[:_MARK]
        self._overdue = OverdueTeller(mark[_MARK:])
        self._sent = LiveAssignments({}, False)
        self._live_sent = False

    def mark(self) -> bytes:
        """Return what the client has: a digest of ``live``, and the waits that it was told of; empty before."""
        return self._sent.mark + self._overdue.mark() if self._live_sent else b""

    async def next_frames(self) -> list[Frame]:
        """Return all that left, came or changed, then what is overdue; ``live`` first, and where only ``more`` has
        changed."""
        live = self.subscription.live
        return [*self._assignments(live), *self._overdue.next_frames(live.over)]

    def _assignments(self, live: LiveAssignments) -> list[Frame]:
        before, self._sent = self._sent, live
        if not self._live_sent:
            self._live_sent = True
            return [] if self._seen == live.mark else [_all_live(live)]
        if live.more != before.more:
            return [_all_live(live)]
        left = [json_frame("released", _names(one)) for key, one in before.by_key.items() if key not in live.by_key]
        news = [one for key, one in live.by_key.items() if key not in before.by_key or before.by_key[key] != one]
        return [*left, *(json_frame("assignment", view_of(one, is_news=True)) for one in news)]


def view_of(assigned: Assignment, *, is_news: bool) -> Mapping[str, Any]:
    """Return what is told of an assignment. One that comes long after it began, as history does that is imported, is
    ``late``: nobody waits on the line."""
    late = time.time() - parse_time(assigned.view["since"]) / 1e6 > LATE_SECONDS
    return {**assigned.view, "late": True} if is_news and late else assigned.view


def _all_live(live: LiveAssignments) -> Frame:
    return json_frame("live", {"assignments": [one.view for one in live.by_key.values()], "more": live.more})


def _names(assigned: Assignment) -> Json:
    return {"interaction": assigned.interaction, "customer": text_of(assigned.customer)}

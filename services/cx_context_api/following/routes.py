"""Handle requests to follow a customer, a conversation, an agent or a queue."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from cx_context.routing_targets import RoutingTarget
from cx_context.store import Store
from cx_context.store.offsets import read_current_to
from cx_context_api.contexts.contact_assurance import read_contact_query
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.conversations.conversation_lookup import find_thread, thread_summary
from cx_context_api.following import conversations, customers, several
from cx_context_api.following.conversations import ConversationFollower, ConversationSubscription, Summary
from cx_context_api.following.customers import Bodies, CustomerFollower, CustomerSubscription
from cx_context_api.following.http_connections import HttpConnection, stream_route
from cx_context_api.following.notifier import Notifier
from cx_context_api.following.presence import KIND, PresenceFollower, PresenceSubscription
from cx_context_api.following.presence_routes import PresenceRoutes
from cx_context_api.following.resume_token import decode_marks, decode_target, unpack_state, unpack_target
from cx_context_api.following.resuming import read_start, resume
from cx_context_api.following.routing_targets import (
    LightTargetFollower,
    LiveAssignments,
    RoutingTargetFollower,
    RoutingTargetSubscription,
    read_live_assignments,
)
from cx_context_api.following.several import MOST_SUBJECTS, SeveralFollower, Subject, SubjectFollower, SubjectKind
from cx_context_api.following.streams import EventStreams
from cx_context_api.following.subscriptions import Subscription, Subscriptions
from cx_context_api.reads.meta import check_epoch
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.queries import Query
from cx_context_api.requests.responses import read_query
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.directory import Directory
from cx_events.errors import Refused, TooFast
from cx_events.ids import NodeId
from cx_runtime.answer_deadline import within
from cx_runtime.in_flight import stream

MAX_NAME = 280

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

W = TypeVar("W", bound=Subscription)

SUBJECTS: Sequence[SubjectKind] = ("agent", "queue", "customer", "conversation")


class _Maker(NamedTuple):
    """Makes the subscription of one subject, shared by ``key``, and a follower of it, given the mark of what its
    client has."""

    key: tuple[object, ...]
    subscription: Callable[[], Subscription]
    follower: Callable[[Any, bytes], SubjectFollower]


class StreamRoutes:
    """Handles requests for streams."""

    def __init__(
        self,
        admission: Admission,
        store: Store,
        contexts: CurrentContexts,
        subscriptions: Subscriptions,
        streams: EventStreams,
        turns: ReadTurns,
        contact_contexts: ContactContexts,
    ) -> None:
        self._board = streams.board
        self._contact_contexts = contact_contexts
        self._patches = streams.patches
        self._pages = turns.pages
        self._admission = admission
        self._store = store
        self._contexts = contexts
        self._subscriptions = subscriptions
        self._streams = streams

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            stream_route("/v1/customers/{id}/stream", self.customer),
            stream_route("/v1/conversations/{id}/stream", self.conversation),
            stream_route("/v1/stream", self.subjects),
            *PresenceRoutes(self._admission, self._contexts, self._board).all(),
        ]

    async def customer(self, request: Request, connection: HttpConnection) -> None:
        """Stream a customer's context."""
        (tenant, tenancy, _), required = self._admission.admit_contact_reader(request.headers)
        query = read_query(request, "from", "body", "interaction", "assurance")
        node = by_id(request.path_params["id"]).node
        bodies = _read_bodies(query)
        contact_query = read_contact_query(query, required, query.text("interaction"))
        sealed = _sealing(customers.STREAM, tenancy)
        since, point = read_start(tenancy, request.headers, query, sealed(), node)

        async def follow(subscription: CustomerSubscription, notifier: Notifier) -> None:
            assert subscription.entry is not None
            follower = CustomerFollower(
                subscription,
                self._contexts,
                self._contact_contexts,
                self._patches,
                tenancy.ids,
                sealed,
                bodies=bodies,
                contact_query=contact_query,
            )
            await follower.check()
            resume(follower, since, point, subscription.entry.version)
            await self._streams.serve(follower, notifier, connection, subscription)

        key = (customers.STREAM, tenant, node)
        await self._follow(key, lambda: CustomerSubscription(self._contexts, tenant, node), follow)

    async def conversation(self, request: Request, connection: HttpConnection) -> None:
        """Stream a conversation."""
        tenant, tenancy, query = self._read(request, "from")
        part_id = by_id(request.path_params["id"]).node
        sealed = _sealing(conversations.STREAM, tenancy)
        since, point = read_start(tenancy, request.headers, query, sealed(), part_id)

        async def follow(subscription: ConversationSubscription, notifier: Notifier) -> None:
            assert subscription.summary is not None
            follower = ConversationFollower(subscription, self._contexts, tenancy.ids, sealed)
            resume(follower, since, point, subscription.summary.version)
            await self._streams.serve(follower, notifier, connection, subscription)

        key = (conversations.STREAM, tenant, part_id)
        await self._follow(key, lambda: self._conversation_subscription(tenant, tenancy, part_id), follow)

    async def subjects(self, request: Request, connection: HttpConnection) -> None:
        """Stream what several subjects have to tell, or an agent's or a queue's interactions with their contexts."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = Query(request.scope["query_string"], (*SUBJECTS, "body", "presence"), SUBJECTS)
        bodies = _read_bodies(query)
        subjects = _read_subjects(query)
        with_presence = query.flag("presence")
        if len(subjects) == 1 and subjects[0].kind in ("agent", "queue") and bodies == "full" and not with_presence:
            await self._routing_target(request, connection, tenant, tenancy, subjects[0])
        else:
            await self._several(request, connection, tenant, tenancy, subjects, bodies, with_presence=with_presence)

    async def _routing_target(
        self, request: Request, connection: HttpConnection, tenant: str, tenancy: Tenancy, subject: Subject
    ) -> None:
        target = _target_of(subject)
        sealed = target.kind.encode() + tenancy.directory.digest
        last = request.headers.get("last-event-id")
        overdue, seen = decode_target(tenancy.ids, sealed, last) if last else (b"", frozenset())

        async def follow(subscription: RoutingTargetSubscription, notifier: Notifier) -> None:
            follower = RoutingTargetFollower(
                subscription, self._contexts, self._contact_contexts, tenancy.ids, sealed, overdue
            )
            follower.seen = seen
            await self._streams.serve(follower, notifier, connection, subscription)

        await self._follow((target, tenant), lambda: self._target_subscription(tenant, tenancy, target), follow)

    async def _several(
        self,
        request: Request,
        connection: HttpConnection,
        tenant: str,
        tenancy: Tenancy,
        subjects: Sequence[Subject],
        bodies: Bodies,
        *,
        with_presence: bool,
    ) -> None:
        makers = {subject: self._maker(tenant, tenancy, subject, bodies) for subject in subjects}
        stream(repr(sorted(subjects)))
        notifier, sealed = Notifier(), _sealing(several.STREAM, tenancy)
        last = request.headers.get("last-event-id")
        marks = decode_marks(tenancy.ids, sealed(), last) if last else {}
        joined: list[Subscription] = []
        try:
            followers: dict[Subject, SubjectFollower] = {}
            gone: dict[Subject, Refused] = {}
            joined += [self._subscriptions.join(each.key, notifier, each.subscription) for each in makers.values()]
            refreshes = (self._subscriptions.first_refresh(each) for each in joined)
            results = await asyncio.gather(*refreshes, return_exceptions=True)
            for (subject, maker), subscription, result in zip(makers.items(), joined, results, strict=True):
                if isinstance(result, Refused) and not isinstance(result, TooFast):
                    gone[subject] = result
                elif isinstance(result, BaseException):
                    raise result
                else:
                    followers[subject] = maker.follower(subscription, marks.get(subject.key, b""))
            extra = await self._presence_of(tenant, tenancy, followers, notifier, joined) if with_presence else []
            follower = SeveralFollower(followers, gone, tenancy.ids, sealed, extra)
            await self._streams.serve(follower, notifier, connection)
        finally:
            for each in joined:
                self._subscriptions.leave(each, notifier)

    async def _presence_of(
        self,
        tenant: str,
        tenancy: Tenancy,
        followers: Mapping[Subject, SubjectFollower],
        notifier: Notifier,
        joined: list[Subscription],
    ) -> list[PresenceFollower]:
        made = partial(PresenceSubscription, self._board, self._contexts, tenant)
        shared = self._subscriptions.join((KIND, tenant), notifier, made)
        joined.append(shared)
        await self._subscriptions.first_refresh(shared)
        return [PresenceFollower(shared, dict(followers), tenancy.directory)]

    def _maker(self, tenant: str, tenancy: Tenancy, subject: Subject, bodies: Bodies) -> _Maker:
        """Return what makes the subscription and the follower of one subject. Raises ``Refused`` for no id at all."""
        if subject.kind in ("agent", "queue"):
            return self._target_maker(tenant, tenancy, _target_of(subject), bodies)
        node, sealed = by_id(subject.id).node, _sealing(b"", tenancy)
        if subject.kind == "conversation":

            def conversation(subscription: Any, mark: bytes) -> SubjectFollower:
                follower = ConversationFollower(subscription, self._contexts, tenancy.ids, sealed)
                resume(follower, None, unpack_state(node, mark), subscription.summary.version)
                return follower

            key = (conversations.STREAM, tenant, node)
            return _Maker(key, lambda: self._conversation_subscription(tenant, tenancy, node), conversation)

        def customer(subscription: Any, mark: bytes) -> SubjectFollower:
            follower = CustomerFollower(
                subscription, self._contexts, self._contact_contexts, self._patches, tenancy.ids, sealed, bodies=bodies
            )
            resume(follower, None, unpack_state(node, mark), subscription.entry.version)
            return follower

        return _Maker(
            (customers.STREAM, tenant, node), lambda: CustomerSubscription(self._contexts, tenant, node), customer
        )

    def _target_maker(self, tenant: str, tenancy: Tenancy, target: RoutingTarget, bodies: Bodies) -> _Maker:
        def routing_target(subscription: Any, mark: bytes) -> SubjectFollower:
            if bodies != "full":
                return LightTargetFollower(subscription, mark)
            overdue, seen = unpack_target(mark)
            follower = RoutingTargetFollower(
                subscription, self._contexts, self._contact_contexts, tenancy.ids, b"", overdue
            )
            follower.seen = seen
            return follower

        key = (target, tenant)
        return _Maker(key, lambda: self._target_subscription(tenant, tenancy, target), routing_target)

    def _target_subscription(self, tenant: str, tenancy: Tenancy, target: RoutingTarget) -> RoutingTargetSubscription:
        return RoutingTargetSubscription(
            lambda: self._live(tenancy, target), tenant, target, lambda: names_of_target(tenancy.directory, target)
        )

    def _conversation_subscription(self, tenant: str, tenancy: Tenancy, part_id: NodeId) -> ConversationSubscription:
        return ConversationSubscription(lambda: self._summary(tenant, tenancy, part_id), tenant, part_id)

    async def _follow(
        self, key: tuple[object, ...], make: Callable[[], W], follow: Callable[[W, Notifier], Awaitable[None]]
    ) -> None:
        stream(repr(key))
        notifier = Notifier()
        subscription = self._subscriptions.join(key, notifier, make)
        try:
            await self._subscriptions.first_refresh(subscription)
            await follow(subscription, notifier)
        finally:
            self._subscriptions.leave(subscription, notifier)

    def _read(self, request: Request, *allowed: str) -> tuple[str, Tenancy, Query]:
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        return tenant, tenancy, read_query(request, *allowed)

    async def _summary(self, tenant: str, tenancy: Tenancy, part_id: NodeId) -> Summary:
        async def read() -> Summary:
            async with self._pages.turn(tenant), self._store.reading() as tx:
                found = await find_thread(tx, tenant, tenancy, part_id)
                moved_at = await read_current_to(tx)
            return Summary(
                found.customer, check_epoch(found.version), moved_at, msgspec.json.encode(thread_summary(found))
            )

        return await within(read())

    async def _live(self, tenancy: Tenancy, asked: RoutingTarget) -> LiveAssignments:
        directory = tenancy.directory
        target = asked._replace(name=directory.asked_for(asked.kind, asked.name))

        async def read() -> LiveAssignments:
            async with self._pages.turn(tenancy.ids.tenant), self._store.reading() as tx:
                return await read_live_assignments(
                    tx, tenancy.ids, target, tenancy.window, directory, tenancy.answer_bounds
                )

        return await within(read())


def _sealing(stream: bytes, tenancy: Tenancy) -> Callable[[], bytes]:
    """Return what seals the ids of a stream: with another directory of agents they count for nothing."""
    return lambda: stream + tenancy.directory.digest


def names_of_target(directory: Directory, asked: RoutingTarget) -> list[str]:
    """Return the ids by which a notice may name whom a client asks for."""
    return directory.ids_of(asked.kind, directory.asked_for(asked.kind, asked.name))


def _read_bodies(query: Query) -> Bodies:
    text = query.text("body")
    if text in (None, "full"):
        return "full"
    if text == "none":
        return "none"
    if text == "patch":
        return "patch"
    raise Refused("bad-query", f"body={text[:20]}: expected full, patch or none.", 400)


def _read_subjects(query: Query) -> list[Subject]:
    """Return what is to be followed, each once. Raises ``Refused("bad-query", 400)``."""
    found = list(dict.fromkeys(Subject(kind, id) for kind in SUBJECTS for id in query.texts(kind)))
    if not found:
        raise Refused("bad-query", "Name what to follow: agent=ID, queue=ID, customer=ID or conversation=ID.", 400)
    if len(found) > MOST_SUBJECTS:
        raise Refused("bad-query", f"{len(found)} subjects; {MOST_SUBJECTS} can be followed at once.", 400)
    return found


def _target_of(subject: Subject) -> RoutingTarget:
    """Return the routing target, by the id that was asked for. Raises ``Refused("bad-query", 400)``."""
    kind: Literal["agent", "queue"] = "agent" if subject.kind == "agent" else "queue"
    target = RoutingTarget(kind, subject.id)
    if not target.name or len(target.name) > MAX_NAME or _CONTROL.search(target.name) is not None:
        raise Refused("bad-query", f"{kind}: expected an id of 1 to {MAX_NAME} characters.", 400)
    return target

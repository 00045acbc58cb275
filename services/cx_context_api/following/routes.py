"""Handle requests to follow a customer, a conversation, an agent or a queue."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from cx_context.routing_targets import RoutingTarget
from cx_context.store import Store
from cx_context.store.offsets import read_current_to
from cx_context.versions import epoch_of
from cx_context_api.contexts.contact_assurance import read_contact_query
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.conversations.threads import find_thread, thread_summary
from cx_context_api.following import conversations, customers
from cx_context_api.following.conversations import ConversationFollower, ConversationSubscription, Summary
from cx_context_api.following.customers import CustomerFollower, CustomerSubscription
from cx_context_api.following.http_connections import HttpConnection, stream_route
from cx_context_api.following.notifier import Notifier
from cx_context_api.following.resume_token import ResumePoint, decode_digests, decode_resume_point
from cx_context_api.following.routing_targets import (
    LiveAssignments,
    RoutingTargetFollower,
    RoutingTargetSubscription,
    read_live_assignments,
)
from cx_context_api.following.streams import EventStreams
from cx_context_api.following.subscriptions import Subscription, Subscriptions
from cx_context_api.reads.deadline import within
from cx_context_api.reads.meta import check_epoch
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.queries import Query
from cx_context_api.requests.responses import read_query
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.directory import Directory
from cx_events.errors import Refused
from cx_events.ids import NodeId
from cx_runtime.in_flight import stream

MAX_NAME = 280

_VERSION = re.compile(r"[0-9]{1,18}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

W = TypeVar("W", bound=Subscription)


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
        self._contact_contexts = contact_contexts
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
            stream_route("/v1/stream", self.routing_target),
        ]

    async def customer(self, request: Request, connection: HttpConnection) -> None:
        """Stream a customer's context."""
        (tenant, tenancy, _), required = self._admission.admit_contact_reader(request.headers)
        query = read_query(request, "from", "body", "interaction", "assurance")
        node = by_id(request.path_params["id"]).node
        bodies = query.text("body")
        if bodies not in (None, "full", "none"):
            raise Refused("bad-query", f"body={bodies[:20]}: expected full or none.", 400)
        contact_query = read_contact_query(query, required, query.text("interaction"))

        def sealed() -> bytes:
            return customers.STREAM + tenancy.directory.digest

        since, point = self._read_start(tenancy, request, query, sealed(), node)

        async def follow(subscription: CustomerSubscription, notifier: Notifier) -> None:
            assert subscription.entry is not None
            follower = CustomerFollower(
                subscription,
                self._contexts,
                self._contact_contexts,
                tenancy.ids,
                sealed,
                bodies=bodies != "none",
                contact_query=contact_query,
            )
            await follower.check()
            _resume(follower, since, point, subscription.entry.version)
            await self._streams.serve(follower, notifier, connection)

        key = (customers.STREAM, tenant, node)
        await self._follow(key, lambda: CustomerSubscription(self._contexts, tenant, node), follow)

    async def conversation(self, request: Request, connection: HttpConnection) -> None:
        """Stream a conversation."""
        tenant, tenancy, query = self._read(request, "from")
        part_id = by_id(request.path_params["id"]).node

        def sealed() -> bytes:
            return conversations.STREAM + tenancy.directory.digest

        since, point = self._read_start(tenancy, request, query, sealed(), part_id)

        async def follow(subscription: ConversationSubscription, notifier: Notifier) -> None:
            assert subscription.summary is not None
            follower = ConversationFollower(subscription, self._contexts, tenancy.ids, sealed)
            _resume(follower, since, point, subscription.summary.version)
            await self._streams.serve(follower, notifier, connection)

        key = (conversations.STREAM, tenant, part_id)
        await self._follow(
            key,
            lambda: ConversationSubscription(lambda: self._summary(tenant, tenancy, part_id), tenant, part_id),
            follow,
        )

    async def routing_target(self, request: Request, connection: HttpConnection) -> None:
        """Stream the interactions of an agent or a queue, with their customers' contexts."""
        tenant, tenancy, query = self._read(request, "agent", "queue")
        agent, queue = query.text("agent"), query.text("queue")
        if (agent is None) == (queue is None):
            raise Refused("bad-query", "Give either agent=ID or queue=ID.", 400)
        target = RoutingTarget("agent", agent) if agent is not None else RoutingTarget("queue", queue or "")
        if not target.name or len(target.name) > MAX_NAME or _CONTROL.search(target.name) is not None:
            raise Refused("bad-query", f"{target.kind}: expected an id of 1 to {MAX_NAME} characters.", 400)
        sealed = target.kind.encode() + tenancy.directory.digest
        last = request.headers.get("last-event-id")
        seen = decode_digests(tenancy.ids, sealed, last) if last else frozenset()

        async def follow(subscription: RoutingTargetSubscription, notifier: Notifier) -> None:
            follower = RoutingTargetFollower(subscription, self._contexts, self._contact_contexts, tenancy.ids, sealed)
            follower.seen = seen
            await self._streams.serve(follower, notifier, connection)

        await self._follow(
            (target, tenant),
            lambda: RoutingTargetSubscription(
                lambda: self._live(tenancy, target), tenant, target, lambda: names_of_target(tenancy.directory, target)
            ),
            follow,
        )

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

    @staticmethod
    def _read_start(
        tenancy: Tenancy, request: Request, query: Query, stream: bytes, node: NodeId
    ) -> tuple[int | None, ResumePoint | None]:
        """Return the version of ``from``, and the resume point of ``Last-Event-ID``.

        With ``Last-Event-ID``, which is the later one, ``from`` is ignored. So is a resume point of another stream, or
        of one that was read with another directory of agents: the client gets the state at once.
        Raises ``Refused("bad-version", 400)``.
        """
        text = query.text("from")
        if text is not None and _VERSION.fullmatch(text) is None:
            raise Refused("bad-version", f"from={text[:20]}: expected a version as in meta.version.", 400)
        last = request.headers.get("last-event-id")
        if last:
            point = decode_resume_point(tenancy.ids, stream, last)
            return None, point if point is not None and node in (point.node, point.customer) else None
        return int(text) if text is not None else None, None

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
                return await read_live_assignments(tx, tenancy.ids, target, tenancy.window, directory)

        return await within(read())


def names_of_target(directory: Directory, asked: RoutingTarget) -> list[str]:
    """Return the ids by which a notice may name whom a client asks for."""
    return directory.ids_of(asked.kind, directory.asked_for(asked.kind, asked.name))


def _resume(
    follower: CustomerFollower | ConversationFollower, since: int | None, point: ResumePoint | None, now: int
) -> None:
    """Tell a new follower what its client has: the state of ``point``, or all before the version ``since``.

    ``now``: the store's version. A resume point of another store's epoch, or one that this store has not reached (it
    was restored from a copy), does not count: the state is sent at once. Raises ``Refused("version-ahead", 409)``.
    """
    if point is not None:
        follower.shown = point.customer
        if epoch_of(point.version) == epoch_of(now) and point.version <= now:
            follower.version = point.version
    elif since is not None:
        if since > now:
            detail = f"The version is {now}; version {since} was never shown. Omit from, or give a lower version."
            raise Refused("version-ahead", detail, 409)
        follower.version = since - 1

"""Requests to follow."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from cx_context.routing_targets import RoutingTarget
from cx_context.store import Store
from cx_context.store.leases import read_current_to
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
from cx_events.errors import Refused
from cx_events.ids import NodeId
from cx_runtime.in_flight import stream

MAX_NAME = 280

_VERSION = re.compile(r"[0-9]{1,18}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

W = TypeVar("W", bound=Subscription)


class StreamRoutes:
    """The handlers, over the parts that ``app`` puts together."""

    def __init__(
        self,
        admission: Admission,
        store: Store,
        contexts: CurrentContexts,
        following: Subscriptions,
        streams: EventStreams,
        reading: ReadTurns,
        at_hand: ContactContexts,
    ) -> None:
        self._at_hand = at_hand
        self._pages = reading.pages
        self._admission = admission
        self._store = store
        self._contexts = contexts
        self._following = following
        self._streams = streams

    def all(self) -> list[Route]:
        return [
            stream_route("/v1/customers/{id}/stream", self.customer),
            stream_route("/v1/conversations/{id}/stream", self.conversation),
            stream_route("/v1/stream", self.desk),
        ]

    async def customer(self, request: Request, connection: HttpConnection) -> None:
        tenant, tenancy, query = self._asked(request, "from", "body", "interaction", "assurance")
        node = by_id(request.path_params["id"]).node
        bodies = query.text("body")
        if bodies not in (None, "full", "none"):
            raise Refused("bad-query", f"body={bodies[:20]}: expected full or none", 400)
        asked = read_contact_query(query, query.text("interaction"))
        since, place = self._place(tenancy, request, query, customers.STREAM, node)

        async def follow(watch: CustomerSubscription, bell: Notifier) -> None:
            assert watch.head is not None
            follower = CustomerFollower(
                watch, self._contexts, self._at_hand, tenancy.ids, bodies=bodies != "none", asked=asked
            )
            await follower.check()
            _resume(follower, since, place, watch.head.version)
            await self._streams.serve(follower, bell, connection)

        key = (customers.STREAM, tenant, node)
        await self._following_it(key, lambda: CustomerSubscription(self._contexts, tenant, node), follow)

    async def conversation(self, request: Request, connection: HttpConnection) -> None:
        tenant, tenancy, query = self._asked(request, "from")
        part_id = by_id(request.path_params["id"]).node
        since, place = self._place(tenancy, request, query, conversations.STREAM, part_id)

        async def follow(watch: ConversationSubscription, bell: Notifier) -> None:
            assert watch.summary is not None
            follower = ConversationFollower(watch, self._contexts, tenancy.ids)
            _resume(follower, since, place, watch.summary.version)
            await self._streams.serve(follower, bell, connection)

        key = (conversations.STREAM, tenant, part_id)
        await self._following_it(
            key,
            lambda: ConversationSubscription(lambda: self._summary(tenant, tenancy, part_id), tenant, part_id),
            follow,
        )

    async def desk(self, request: Request, connection: HttpConnection) -> None:
        tenant, tenancy, query = self._asked(request, "agent", "queue")
        agent, queue = query.text("agent"), query.text("queue")
        if (agent is None) == (queue is None):
            raise Refused("bad-query", "say one of the two: agent=ID, or queue=ID", 400)
        desk = RoutingTarget("agent", agent) if agent is not None else RoutingTarget("queue", queue or "")
        if not desk.name or len(desk.name) > MAX_NAME or _CONTROL.search(desk.name) is not None:
            raise Refused("bad-query", f"{desk.kind}: expected an id of 1 to {MAX_NAME} characters", 400)
        last = request.headers.get("last-event-id")
        seen = decode_digests(tenancy.ids, desk.kind.encode(), last) if last else frozenset()

        async def follow(watch: RoutingTargetSubscription, bell: Notifier) -> None:
            follower = RoutingTargetFollower(watch, self._contexts, self._at_hand, tenancy.ids)
            follower.seen = seen
            await self._streams.serve(follower, bell, connection)

        await self._following_it(
            (desk, tenant), lambda: RoutingTargetSubscription(lambda: self._live(tenancy, desk), tenant, desk), follow
        )

    async def _following_it(
        self, key: tuple[object, ...], make: Callable[[], W], follow: Callable[[W, Notifier], Awaitable[None]]
    ) -> None:
        stream(repr(key))
        bell = Notifier()
        watch = self._following.join(key, bell, make)
        try:
            await self._following.first_look(watch)
            await follow(watch, bell)
        finally:
            self._following.leave(watch, bell)

    def _asked(self, request: Request, *allowed: str) -> tuple[str, Tenancy, Query]:
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        return tenant, tenancy, read_query(request, *allowed)

    @staticmethod
    def _place(
        tenancy: Tenancy, request: Request, query: Query, kind: bytes, asked: NodeId
    ) -> tuple[int | None, ResumePoint | None]:
        """``from`` and ``Last-Event-ID``, which is the later one: where it stands ``from`` does not count. Neither does
        a place that another stream gave."""
        text = query.text("from")
        if text is not None and _VERSION.fullmatch(text) is None:
            raise Refused("bad-version", f"from={text[:20]}: expected a version, as meta.version tells it", 400)
        last = request.headers.get("last-event-id")
        if last:
            place = decode_resume_point(tenancy.ids, kind, last)
            return None, place if place is not None and asked in (place.asked, place.customer) else None
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

    async def _live(self, tenancy: Tenancy, desk: RoutingTarget) -> LiveAssignments:
        async def read() -> LiveAssignments:
            async with self._pages.turn(tenancy.ids.tenant), self._store.reading() as tx:
                return await read_live_assignments(tx, tenancy.ids, desk, tenancy.window)

        return await within(read())


def _resume(
    follower: CustomerFollower | ConversationFollower, since: int | None, place: ResumePoint | None, now: int
) -> None:
    """Give a new follower what it has: the state of ``place``, or all before the version ``since``. ``now``: the
    version that the store is at.

    A place of another store's epoch, or one that this store has not reached (it was restored from a copy), says nothing
    of what follows: the state is told at once. Raises ``Refused("version-ahead", 409)``.
    """
    if place is not None:
        follower.shown = place.customer
        if epoch_of(place.version) == epoch_of(now) and place.version <= now:
            follower.version = place.version
    elif since is not None:
        if since > now:
            detail = f"the state is at version {now}, and version {since} was never shown; leave from out, or say less"
            raise Refused("version-ahead", detail, 409)
        follower.version = since - 1

"""Handle requests for a customer's history and for one conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store import Store
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.conversations import handoff_packets, histories, timeline_filters
from cx_context_api.conversations.conversation_lookup import find_thread, thread_summary
from cx_context_api.conversations.vcon_export import VconExports
from cx_context_api.decisions import Clock
from cx_context_api.reads.point_in_time import read_at, read_customer, read_meta
from cx_context_api.reads.responses import answer_at, answer_in_process
from cx_context_api.reads.time_bounds import FIELDS, read_time_bounds
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.queries import PAGING, Query
from cx_context_api.requests.responses import json_response, read_query, route
from cx_context_api.requests.targets import by_id
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_vcon.reading import MEDIA_TYPE

ReadPage = Callable[[Tx, Tenancy, NodeId, str | None, int, Snapshot | None], Awaitable[histories.Page]]


class ConversationRoutes:
    """Handles requests for histories and conversations."""

    def __init__(self, admission: Admission, store: Store, vcons: VconExports, now: Clock, turns: ReadTurns) -> None:
        self._admission = admission
        self._store = store
        self._turns = turns
        self._vcons = vcons
        self._now = now

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            route("GET", "/v1/customers/{id}/timeline", self.timeline),
            route("GET", "/v1/customers/{id}/conversations", self.conversations),
            route("GET", "/v1/conversations/{id}", self.conversation),
            route("GET", "/v1/conversations/{id}/handoff", self.handoff),
            route("GET", "/v1/conversations/{id}/vcon", self.vcon),
        ]

    async def timeline(self, request: Request) -> Response:
        """Answer with all that happened to a customer."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        allowed = (*PAGING, *FIELDS, *timeline_filters.FILTERS, "per_channel")
        query = Query(request.scope["query_string"], allowed, timeline_filters.REPEATABLE)
        cursor, limit, moment = query.text("cursor"), query.limit(), read_time_bounds(query, self._now)
        wanted, per_channel = timeline_filters.read_timeline_query(query)
        node = by_id(request.path_params["id"]).node

        async def read(tx: Tx, then: Snapshot | None) -> Json:
            customer, meta = await read_customer(tx, tenant, node, then)
            told = {"meta": meta, "customer": text_of(customer)}
            if per_channel is None:
                items, following = await histories.timeline(tx, tenancy, customer, cursor, limit, then, wanted)
                return {**told, "items": items, "next": following}
            items, more = await histories.timeline_by_channel(tx, tenancy, customer, per_channel, then, wanted)
            return {**told, "items": items, "next": None, "more": more}

        return await answer_at(request, self._store, self._turns, tenancy, moment, read)

    async def conversations(self, request: Request) -> Response:
        """Answer with a customer's conversations."""
        return await self._paged(request, histories.conversations)

    async def _paged(self, request: Request, page: ReadPage) -> Response:
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = read_query(request, *PAGING, *FIELDS)
        cursor, limit, moment = query.text("cursor"), query.limit(), read_time_bounds(query, self._now)
        node = by_id(request.path_params["id"]).node

        async def read(tx: Tx, then: Snapshot | None) -> Json:
            customer, meta = await read_customer(tx, tenant, node, then)
            items, following = await page(tx, tenancy, customer, cursor, limit, then)
            return {"meta": meta, "customer": text_of(customer), "items": items, "next": following}

        return await answer_at(request, self._store, self._turns, tenancy, moment, read)

    async def conversation(self, request: Request) -> Response:
        """Answer with one conversation."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = read_query(request, *PAGING, *FIELDS)
        cursor, limit, moment = query.text("cursor"), query.limit(), read_time_bounds(query, self._now)
        part_id = by_id(request.path_params["id"]).node

        async def read(tx: Tx, then: Snapshot | None) -> Json:
            found = await find_thread(tx, tenant, tenancy, part_id, then)
            items, following = await histories.thread_page(tx, tenancy, found, cursor, limit, then)
            return {
                "meta": await read_meta(tx, found.version, then),
                "customer": text_of(found.customer),
                "conversation": thread_summary(found),
                "items": items,
                "next": following,
            }

        return await answer_at(request, self._store, self._turns, tenancy, moment, read)

    async def handoff(self, request: Request) -> Response:
        """Answer with what the next agent needs to know."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = read_query(request, *PAGING, "interaction")
        cursor, limit, interaction = query.text("cursor"), query.limit(), query.text("interaction")
        part_id = by_id(request.path_params["id"]).node

        async def read(tx: Tx, then: Snapshot | None) -> Json:
            found = await find_thread(tx, tenant, tenancy, part_id)
            packet = await handoff_packets.read_handoff_packet(tx, tenancy, found, interaction, cursor, limit)
            return {
                "meta": await read_meta(tx, found.version, then),
                "customer": text_of(found.customer),
                "conversation": text_of(found.conversation.id),
                **packet,
            }

        return json_response(await read_at(self._store, self._turns, tenancy, None, read))

    async def vcon(self, request: Request) -> Response:
        """Answer with a conversation as vCon."""
        tenant, _, _ = self._admission.admit(request.headers, "context:read")
        syntax = read_query(request, "syntax").text("syntax")
        response = await answer_in_process(self._turns, tenant, request)
        if response is not None:
            return response
        return Response(await self._vcons.read(tenant, request.path_params["id"], syntax), media_type=MEDIA_TYPE)

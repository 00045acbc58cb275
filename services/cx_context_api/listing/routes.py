"""Handle requests for lists over all customers, and for search.

A key that reads by contact alone (``required_assurance``) gets none of them: it knows whom it speaks with, and lists
are about everybody else.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.listing.customers import customer_query
from cx_context.listing.words import query_of
from cx_context.store import Store
from cx_context.store.listing_reads import read_held, read_holdings, read_page
from cx_context.store.searching import search_customers, search_said
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.listing.filters import (
    FILTERS,
    SearchQuery,
    checked,
    customer_place,
    list_query,
    next_cursor,
    no_words,
    said_place,
    search_query,
)
from cx_context_api.listing.found import customer_view, said_view
from cx_context_api.listing.freshness import read_lists_meta
from cx_context_api.listing.overdue import read_due, read_over
from cx_context_api.listing.views import agent_view, conversation_view, queue_view
from cx_context_api.reads.point_in_time import read_at
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.queries import PAGING
from cx_context_api.requests.responses import json_response, read_query, read_request_body, route
from cx_context_api.requests.tenancy import Tenancy
from cx_events.json_types import Json


class ListRoutes:
    """Handles requests for lists and search."""

    def __init__(self, admission: Admission, store: Store, turns: ReadTurns) -> None:
        self._admission = admission
        self._store = store
        self._turns = turns

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            route("GET", "/v1/conversations", self.conversations),
            route("GET", "/v1/queues", self.queues),
            route("GET", "/v1/agents", self.agents),
            route("GET", "/v1/search", self.search),
            route("POST", "/v1/search", self.search_by_body),
        ]

    async def conversations(self, request: Request) -> Response:
        """Answer with conversations of all customers."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = read_query(request, *FILTERS, *PAGING)
        asked, limit = list_query(query), query.limit()

        async def read(tx: Tx, _then: Snapshot | None) -> Json:
            rows, place = await read_page(tx, tenant, asked.wanted, tenancy.directory, asked.after, limit)
            due = await read_due(tx, tenancy, {row.customer for row in rows})
            items = [conversation_view(row, tenancy.directory, due.get(row.id)) for row in rows]
            meta = await read_lists_meta(tx, tenant)
            return {"meta": meta, "items": items, "next": next_cursor(asked.list, place)}

        return json_response(await read_at(self._store, self._turns, tenancy, None, read))

    async def queues(self, request: Request) -> Response:
        """Answer with all queues, and what waits in them."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        read_query(request)

        async def read(tx: Tx, _then: Snapshot | None) -> Json:
            found = await read_holdings(tx, tenant, "queue", tenancy.directory)
            over = await read_over(tx, tenancy)
            items = [queue_view(each, tenancy.answer_bounds.get(each.id), over.get(each.id)) for each in found]
            return {"meta": await read_lists_meta(tx, tenant), "items": items}

        return json_response(await read_at(self._store, self._turns, tenancy, None, read))

    async def agents(self, request: Request) -> Response:
        """Answer with all agents, and what they hold."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        read_query(request)

        async def read(tx: Tx, _then: Snapshot | None) -> Json:
            found = await read_holdings(tx, tenant, "agent", tenancy.directory)
            held = await read_held(tx, tenant, "agent", tenancy.directory)
            items = [agent_view(each, held.get(each.id, [])) for each in found]
            return {"meta": await read_lists_meta(tx, tenant), "items": items}

        return json_response(await read_at(self._store, self._turns, tenancy, None, read))

    async def search(self, request: Request) -> Response:
        """Answer with what a query finds."""
        _, tenancy, _ = self._admission.admit(request.headers, "context:read")
        return await self._found(tenancy, search_query(read_query(request, "q", "in", *PAGING)))

    async def search_by_body(self, request: Request) -> Response:
        """Answer with what a body's query finds: names stay out of access logs."""
        _, tenancy, _ = self._admission.admit(request.headers, "context:read")
        read_query(request)
        body = await read_request_body(request, bodies.Search)
        return await self._found(tenancy, checked(SearchQuery(body.q, body.within, body.limit, body.cursor)))

    async def _found(self, tenancy: Tenancy, asked: SearchQuery) -> Response:
        find = _customers if asked.within == "customers" else _messages

        async def read(tx: Tx, _then: Snapshot | None) -> Json:
            meta = await read_lists_meta(tx, tenancy.ids.tenant)
            return {"meta": meta, "in": asked.within, **await find(tx, tenancy, asked)}

        return json_response(await read_at(self._store, self._turns, tenancy, None, read))


async def _customers(tx: Tx, tenancy: Tenancy, asked: SearchQuery) -> Json:
    words = customer_query(asked.q)
    if not words:
        raise no_words()
    after = customer_place(asked.cursor)
    found, place = await search_customers(tx, tenancy.ids.tenant, words, after, asked.limit)
    items = [customer_view(each, words) for each in found]
    return {"items": items, "next": next_cursor("search/customers", place)}


async def _messages(tx: Tx, tenancy: Tenancy, asked: SearchQuery) -> Json:
    words = query_of(asked.q).words
    if not words:
        raise no_words()
    after = said_place(asked.cursor)
    found, place = await search_said(tx, tenancy.ids.tenant, words, after, asked.limit)
    items = [said_view(each, words, tenancy.directory) for each in found]
    return {"items": items, "next": next_cursor("search/messages", place)}

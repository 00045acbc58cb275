"""Handle requests for lists over all customers, and for search.

A key that reads by contact alone (``required_assurance``) gets none of them: it knows whom it speaks with, and lists
are about everybody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.listing.customers import customer_query
from cx_context.listing.words import query_of
from cx_context.store import Store
from cx_context.store.listing_pages import read_page, reads_once
from cx_context.store.listing_reads import read_held, read_holdings
from cx_context.store.said_postgres import find_said
from cx_context.store.searching import search_customers
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
from cx_context_api.listing.freshness import lists_meta
from cx_context_api.listing.overdue import read_due, read_over
from cx_context_api.listing.views import agent_view, conversation_view, queue_view
from cx_context_api.reads.point_in_time import read_now
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

    def fast(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Return the GET handlers by path that the app's fast routes call."""
        return {
            "/v1/conversations": self.conversations,
            "/v1/queues": self.queues,
            "/v1/agents": self.agents,
            "/v1/search": self.search,
        }

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            *(route("GET", path, handler) for path, handler in self.fast().items()),
            route("POST", "/v1/search", self.search_by_body),
        ]

    async def conversations(self, request: Request) -> Response:
        """Answer with conversations of all customers."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = read_query(request, *FILTERS, *PAGING)
        asked, limit, directory = list_query(query), query.limit(), tenancy.directory
        is_one = not tenancy.answer_bounds and reads_once(asked.wanted, directory)

        async def read() -> Json:
            async with self._store.asking() if is_one else self._store.reading() as tx:
                page = await read_page(tx, tenant, asked.wanted, directory, asked.after, limit)
                due = await read_due(tx, tenancy, {row.customer for row in page.rows if row.waiting is not None})
            items = [conversation_view(row, directory, due.get(row.id)) for row in page.rows]
            return {"meta": lists_meta(page.freshness), "items": items, "next": next_cursor(asked.list, page.following)}

        return json_response(await read_now(self._turns, tenancy, read))

    async def queues(self, request: Request) -> Response:
        """Answer with all queues, and what waits in them."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        read_query(request)

        async def read() -> Json:
            async with self._store.reading() if tenancy.answer_bounds else self._store.asking() as tx:
                found = await read_holdings(tx, tenant, "queue", tenancy.directory)
                over = await read_over(tx, tenancy)
            bounds = tenancy.answer_bounds
            items = [queue_view(each, bounds.get(each.id), over.get(each.id)) for each in found.holdings]
            return {"meta": lists_meta(found.freshness), "items": items}

        return json_response(await read_now(self._turns, tenancy, read))

    async def agents(self, request: Request) -> Response:
        """Answer with all agents, and what they hold."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        read_query(request)

        async def read() -> Json:
            async with self._store.reading() as tx:
                found = await read_holdings(tx, tenant, "agent", tenancy.directory)
                held = await read_held(tx, tenant, "agent", tenancy.directory)
            items = [agent_view(each, held.get(each.id, [])) for each in found.holdings]
            return {"meta": lists_meta(found.freshness), "items": items}

        return json_response(await read_now(self._turns, tenancy, read))

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
        return json_response(await read_now(self._turns, tenancy, partial(find, self._store, tenancy, asked)))


async def _customers(store: Store, tenancy: Tenancy, asked: SearchQuery) -> Json:
    words = customer_query(asked.q)
    if not words:
        raise no_words()
    after = customer_place(asked.cursor)
    async with store.asking() as tx:
        page = await search_customers(tx, tenancy.ids.tenant, words, after, asked.limit)
    return {
        "meta": lists_meta(page.freshness),
        "in": asked.within,
        "items": [customer_view(each, words) for each in page.found],
        "next": next_cursor("search/customers", page.following),
    }


async def _messages(store: Store, tenancy: Tenancy, asked: SearchQuery) -> Json:
    words = query_of(asked.q).words
    if not words:
        raise no_words()
    page = await find_said(store, tenancy.ids.tenant, words, said_place(asked.cursor), asked.limit)
    return {
        "meta": lists_meta(page.freshness),
        "in": asked.within,
        "items": [said_view(each, words, tenancy.directory) for each in page.found],
        "next": next_cursor("search/messages", page.following),
    }

"""Show one event over HTTP: ``GET /v1/ops/events``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_events.errors import Refused
from cx_events.log import Log
from cx_ops.event_pages.page import EventPageTenant, event_page
from cx_ops.http_routes.documented import SCOPE, OpsRoutes, add_route, json_response, parameter
from cx_ops.http_routes.queries import OpsQuery
from cx_runtime.authentication import caller
from cx_runtime.tenants import Tenants

_NAME = (
    parameter("source", "The event's `source`.", required=True),
    parameter("id", "The event's `id`.", required=True),
)


class EventPageRoutes:
    """Handles requests for the page of an event of the key's tenant."""

    def __init__(self, log: Log, store: Store, tenants: Tenants) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants

    def add_to(self, routes: OpsRoutes) -> None:
        summary = "One event: its bytes, where it lies, who wrote it and what it changed"
        add_route(routes, "GET", "/events", self.event, "get_event_page", summary, "EventPage", _NAME, problems=(404,))

    async def event(self, request: Request) -> Response:
        name = caller(request.headers, self._tenants, SCOPE).tenant
        query = OpsQuery(request.scope["query_string"], "source", "id")
        source, id = query.text("source"), query.text("id")
        if not source or not id:
            raise Refused("bad-query", "name the event by both source=S and id=I", 400)
        config = self._tenants.by_name[name]
        tenant = EventPageTenant(
            self._tenants.ids(name),
            config.threading.window_micros,
            {connection: each.provider for connection, each in config.connections.items()},
        )
        return json_response(await event_page(self._log, self._store, tenant, source, id))

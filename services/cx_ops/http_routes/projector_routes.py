"""Show over HTTP how far projectors are behind."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_events.log import Log
from cx_ops.http_routes.documented import SCOPE, add_route, json_response
from cx_ops.http_routes.queries import OpsQuery
from cx_ops.lag import lag_of
from cx_runtime.http import caller
from cx_runtime.tenants import Tenants


class ProjectorRoutes:
    """Handles requests for the progress of projectors, which work for all tenants."""

    def __init__(self, log: Log, store: Store, tenants: Tenants) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants

    def add_to(self, routes: APIRouter) -> None:
        add_route(routes, "GET", "/lag", self.lag, "How far each partition's projector is behind")

    async def lag(self, request: Request) -> Response:
        caller(request.headers, self._tenants, SCOPE)
        OpsQuery(request.scope["query_string"])
        return json_response({"items": await lag_of(self._log, self._store)})

"""Show over HTTP how far projectors are behind."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_context.store.lag_samples import MINUTES_KEPT
from cx_events.log import Log
from cx_events.log.port import check_topic
from cx_ops.http_routes.documented import SCOPE, OpsRoutes, add_route, json_response, parameter
from cx_ops.http_routes.queries import OpsQuery
from cx_ops.lag import lag_of
from cx_ops.projectors.reading import read_history, read_projectors
from cx_runtime.authentication import caller
from cx_runtime.tenants import Tenants

_MINUTES = 60
_MOST_PARTITIONS = 65_535


class ProjectorRoutes:
    """Handles requests for the progress of projectors, which work for all tenants."""

    def __init__(self, log: Log, store: Store, tenants: Tenants) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants

    def add_to(self, routes: OpsRoutes) -> None:
        add_route(routes, "GET", "/lag", self.lag, "get_lag", "How far each partition's projector is behind", "LagList")
        summary = "State, rate and last error of each projector"
        add_route(routes, "GET", "/projectors", self.projectors, "list_projectors", summary, "ProjectorList")
        add_route(
            routes,
            "GET",
            "/projectors/history",
            self.history,
            "get_lag_history",
            "How far each partition was, minute by minute for a day",
            "LagHistory",
            (
                parameter("topic", "This topic alone."),
                parameter("partition", "This partition alone.", type="integer", minimum=0, maximum=_MOST_PARTITIONS),
                parameter(
                    "minutes",
                    "Minutes back; 60 unless given.",
                    type="integer",
                    minimum=1,
                    maximum=MINUTES_KEPT,
                ),
            ),
            problems=(404,),
        )

    async def lag(self, request: Request) -> Response:
        caller(request.headers, self._tenants, SCOPE)
        OpsQuery(request.scope["query_string"])
        return json_response({"items": await lag_of(self._log, self._store)})

    async def projectors(self, request: Request) -> Response:
        caller(request.headers, self._tenants, SCOPE)
        OpsQuery(request.scope["query_string"])
        states, workers = await read_projectors(self._log, self._store)
        return json_response({"items": states, "workers": workers})

    async def history(self, request: Request) -> Response:
        caller(request.headers, self._tenants, SCOPE)
        query = OpsQuery(request.scope["query_string"], "topic", "partition", "minutes")
        topic = query.text("topic")
        if topic:
            check_topic(topic)
        minutes = query.number("minutes", 1, MINUTES_KEPT) or _MINUTES
        partition = query.number("partition", 0, _MOST_PARTITIONS)
        return json_response({"items": await read_history(self._store, minutes, topic, partition)})

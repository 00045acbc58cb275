"""Show over HTTP what came last by each connection, what of that could not be used, and how its poller gets on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store, poller_rows
from cx_context.store.poller_rows import Standing
from cx_events.json_types import Json
from cx_events.log import Log
from cx_ops.connection_traffic import ConnectionTraffic, TrafficFound, read_traffic
from cx_ops.http_routes.documented import SCOPE, OpsRoutes, add_route, json_response
from cx_ops.http_routes.queries import OpsQuery
from cx_runtime.authentication import caller
from cx_runtime.tenants import Tenants

MOST_SCANNED = 50_000
MOST_SECONDS = 5.0


class ConnectionGap(NamedTuple):
    """Something that a connection's configuration lacks. ``works``: it still takes what comes, though less is made of
    it."""

    reason: str
    detail: str
    works: bool


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """Facts about connections that only the adapters know. ``gaps``: of each one's configuration, by its id;
    ``polled``: the ids of those whose vendor is asked by a poller; ``poller``: a poller's state as it is shown."""

    gaps: Mapping[str, Sequence[ConnectionGap]]
    polled: frozenset[str]
    poller: Callable[[Standing], Json]


class ConnectionRoutes:
    """Handles requests for the connections of the key's tenant."""

    def __init__(self, log: Log, store: Store, tenants: Tenants, facts: ConnectionFacts) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants
        self._facts = facts

    def add_to(self, routes: OpsRoutes) -> None:
        summary = "Connections: what each lacks, its latest event and dead letter, and its poller"
        add_route(routes, "GET", "/connections", self.connections, "list_connections", summary, "ConnectionList")

    async def connections(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        OpsQuery(request.scope["query_string"])
        configured = self._tenants.by_name[tenant].connections
        found = await read_traffic(
            self._log, self._store, dict.fromkeys(configured, tenant), MOST_SCANNED, seconds=MOST_SECONDS
        )
        async with self._store.reading() as tx:
            standings = await poller_rows.standings(tx)
        items = [
            self._shown(id, each.provider, found) | {"poller": self._poller(tenant, id, standings)}
            for id, each in sorted(configured.items())
        ]
        return json_response({"items": items, "looked_back_to": found.looked_back_to or None})

    def _poller(self, tenant: str, id: str, standings: Mapping[str, Standing]) -> Json | None:
        """Return how a connection's poller gets on; None where its vendor is not asked."""
        if id not in self._facts.polled:
            return None
        found = standings.get(id)
        if found is None or found.tenant != tenant:
            found = Standing(tenant, id, "", b"")
        return self._facts.poller(found)

    def _shown(self, id: str, provider: str, found: TrafficFound) -> Json:
        traffic = found.by_connection.get(id, ConnectionTraffic(None, None))
        return {
            "id": id,
            "provider": provider,
            "lacks": [each._asdict() for each in self._facts.gaps.get(id, ())],
            "is_failing": traffic.is_failing,
            "last_event": traffic.last_event,
            "last_error": traffic.last_error,
        }

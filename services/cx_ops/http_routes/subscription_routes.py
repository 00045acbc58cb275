"""Serve subscriptions over HTTP: listed, shown, paused, resumed, tried again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.stamp import key_writer
from cx_ops.http_routes.documented import SCOPE, OpsRoutes, add_route, json_response, parameter
from cx_ops.http_routes.queries import OpsQuery
from cx_ops.subscriptions.acts import SubscriptionActs
from cx_ops.subscriptions.overview import find, overview, whole
from cx_ops.subscriptions.subscription import Subscription, subscriptions_of
from cx_runtime.authentication import caller
from cx_runtime.tenants import Tenants

_ID = parameter("id", "The subscription, as configured.", required=True)
_WHY = parameter("why", "Why, for the event that tells of it. A pause needs a reason.")

Act = Callable[[Subscription, str, str, str], Awaitable[Json]]


class SubscriptionRoutes:
    """Handles requests for subscriptions. A key sees and changes those of its tenant."""

    def __init__(self, log: Log, store: Store, tenants: Tenants, acts: SubscriptionActs) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants
        self._acts = acts
        self._subscriptions = subscriptions_of(tenants)

    def add_to(self, routes: OpsRoutes) -> None:
        several = "list_subscriptions", "Subscriptions, and how far each is", "SubscriptionList"
        add_route(routes, "GET", "/subscriptions", self.subscriptions, *several)
        one = "get_subscription", "A subscription with what waits", "Subscription", [_ID]
        add_route(routes, "GET", "/subscription", self.subscription, *one, problems=(404,))
        acts = [
            ("pause", self._acts.pause, "SubscriptionState", "Deliver nothing until it is resumed"),
            (
                "resume",
                self._acts.resume,
                "SubscriptionState",
                "Go on where a subscription was paused, or its receiver was gone",
            ),
            ("retry", self._acts.retry, "SubscriptionRetry", "Try now what waits, and dead letters once more"),
        ]
        for name, act, answered, summary in acts:
            described = f"{name}_subscription", summary, answered, [_ID, _WHY]
            add_route(routes, "POST", f"/subscription/{name}", self._doing(act), *described, problems=(404, 409))

    async def subscriptions(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        OpsQuery(request.scope["query_string"])
        return json_response({"items": await overview(self._log, self._store, self._own(tenant))})

    async def subscription(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        id = OpsQuery(request.scope["query_string"], "id").text("id")
        return json_response(await whole(self._log, self._store, find(self._own(tenant), id)))

    def _doing(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            tenant, key = caller(request.headers, self._tenants, SCOPE)
            query = OpsQuery(request.scope["query_string"], "id", "why")
            subscription = find(self._own(tenant), query.text("id"))
            return json_response(await act(subscription, key_writer(key.id), "", query.text("why")))

        return handle

    def _own(self, tenant: str) -> list[Subscription]:
        return [each for each in self._subscriptions if each.name.tenant == tenant]

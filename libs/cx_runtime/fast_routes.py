"""Answer some paths of an HTTP app before the framework's layers: its fast routes.

    app = FastRouteApp(metrics, title="Throughline")
    app.fast_route("/v1/events", events, methods={"POST"})
    app.fast_route("/v1/hooks/{connection}", hooks, methods={"GET", "POST"})
    app.fast_route("/v1/customers/{id}/context", context, methods={"GET", "HEAD"})

A request passes seven layers of FastAPI and Starlette (routes, error handlers, exit stacks, telemetry) before its
endpoint is called, which costs more than checking an event or finding a context does. A fast route passes none. Errors
are answered as everywhere (``cx_runtime.http.Problems``); methods that are not named fall through to the framework, so
the same path should stand in a router as well, which documents it and answers 405."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from cx_events.json_types import Json
from cx_runtime import whole_answers
from cx_runtime.http import install_problems
from cx_runtime.metrics import OTHER, Metrics
from cx_runtime.openapi.document import Description, document
from cx_runtime.tracing import OFF, Span, Tracing

Endpoint = Callable[[Request], Awaitable[Response]]
SocketEndpoint = Callable[[WebSocket], Awaitable[None]]


class _FastRoute(NamedTuple):
    """``path``: as it was given. ``parameter``: the step's name in ``path_params``; empty where no step varies."""

    path: str
    endpoint: Endpoint
    methods: frozenset[str]
    parameter: str


_UNTRACED = Span()


def _describe(span: Span, scope: Scope, path: str, status: int) -> None:
    """Name a request's span as OpenTelemetry's conventions for HTTP do. The path itself may hold anybody's id."""
    span.describe(
        f"{scope['method']} {path}",
        failed="" if status < 500 else str(status),
        http__request__method=scope["method"],
        http__route=path,
        http__response__status_code=status,
    )


class FastRouteApp(FastAPI):
    """FastAPI, its errors answered with problem documents, and fast paths before it."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        tracing: Tracing = OFF,
        is_trusted: Callable[[str], bool] = lambda _: False,
        **more: Any,
    ) -> None:
        """``more`` is FastAPI's. ``is_trusted``: return whether the trace of whoever presents this ``Authorization`` is
        continued. Everybody else's requests begin a trace of their own."""
        super().__init__(**more)
        self._metrics = metrics
        self._tracing = tracing
        self._is_trusted = is_trusted
        self._problems = install_problems(self, metrics)
        self._routes: dict[tuple[str, str], _FastRoute] = {}
        self._sockets: dict[str, tuple[str, SocketEndpoint]] = {}
        self._paths: dict[Any, str] = {}
        self._descriptions: list[Description] = []
        self._document: Json | None = None

    def describe(self, description: Description) -> None:
        """Add what a service describes to the document that ``/openapi.json`` answers."""
        self._descriptions.append(description)
        self._document = None

    def openapi(self) -> Json:
        """Return the OpenAPI document of all that was described, and of no other routes."""
        if self._document is None:
            self._document = document(self._descriptions)
        return self._document

    def fast_route(self, path: str, endpoint: Endpoint, methods: Collection[str]) -> None:
        """Answer ``path``, of whose last two steps one may be a parameter (``{NAME}``)."""
        head, opened, rest = path.partition("{")
        parameter, _, tail = rest.partition("}")
        if opened and (tail.count("/") > 1 or "{" in tail):
            raise ValueError(f"{path}: one of the last two steps may be a parameter")
        self._routes[head, tail] = _FastRoute(path, endpoint, frozenset(methods), parameter)
        self._metrics.begin_route(path)

    def fast_socket(self, path: str, endpoint: SocketEndpoint) -> None:
        """Serve WebSockets at ``path``, whose last step is a parameter (``{NAME}``). ``endpoint`` answers all errors:
        none is left for the framework."""
        head, opened, parameter = path.partition("{")
        if not opened or not parameter.endswith("}") or not head.endswith("/"):
            raise ValueError(f"{path}: its last step must be a parameter")
        self._sockets[head] = (parameter[:-1], endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            head, slash, step = scope["path"].rpartition("/")
            socket = self._sockets.get(head + slash) if step else None
            if socket is not None:
                scope["path_params"] = {socket[0]: step}
                await socket[1](WebSocket(scope, receive, send))
                return
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if not self._tracing.on:
            await self._answer(scope, receive, send, _UNTRACED)
            return
        with self._tracing.span(scope["method"], "server", parent=self._trusted_parent(scope)) as span:
            await self._answer(scope, receive, send, span)

    def _trusted_parent(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        given = headers.get("traceparent", "")
        return given if given and self._is_trusted(headers.get("authorization", "")) else ""

    async def _answer(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        began = time.perf_counter()
        found = self._found(scope)
        if found is None:
            await super().__call__(scope, receive, self._counting(scope, send, began, span))
            return
        request = Request(scope, receive)
        scope["endpoint"] = found.endpoint
        try:
            response = await found.endpoint(request)
        except Exception as error:  # each has its answer; what is nobody's fault but ours is logged there
            response = self._problems.answer(request, error)
        self._metrics.answered(found.path, response.status_code, time.perf_counter() - began)
        if self._tracing.on:
            _describe(span, scope, found.path, response.status_code)
        if not whole_answers.write(scope.get("state", {}), response):
            await response(scope, receive, send)

    def _counting(self, scope: Scope, send: Send, began: float, span: Span) -> Send:
        """Return a ``send`` that counts the answer once its head is sent, by the route that the framework found."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = self._path(scope)
                self._metrics.answered(path, message["status"], time.perf_counter() - began)
                if self._tracing.on:
                    _describe(span, scope, path, message["status"])
                    span.end()  # what follows may be a stream of hours
            await send(message)

        return counted

    def _path(self, scope: Scope) -> str:
        """Return the path of the route that the framework found. FastAPI tells its routes, Starlette the endpoint."""
        route = scope.get("route")
        if isinstance(route, Route):
            return route.path
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return OTHER
        if endpoint not in self._paths:
            routes = [each for each in self.routes if isinstance(each, Route)]
            self._paths = {each.endpoint: each.path for each in routes}
        return self._paths.get(endpoint, OTHER)

    def _found(self, scope: Scope) -> _FastRoute | None:
        path: str = scope["path"]
        found = self._routes.get((path, ""))
        if found is not None:
            if found.parameter:  # the path ends where the parameter should stand
                return None
        else:
            head, slash, step = path.rpartition("/")
            found = self._routes.get((head + slash, ""))
            if found is None:
                head, slash, middle = head.rpartition("/")
                found = self._routes.get((head + slash, f"/{step}"))
                step = middle
            if found is None or not found.parameter or not step:
                return None
            scope["path_params"] = {found.parameter: step}
        return found if scope["method"] in found.methods else None

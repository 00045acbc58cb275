"""Serve the HTTP route that providers' webhooks call."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from cx_channels.intake import Intake
from cx_channels.limits import MAX_QUERY_FIELDS, Limits
from cx_channels.provider import DEFAULT_MAX_BYTES, Connection, Provider, Request
from cx_channels.readiness import setup_problems
from cx_events.errors import NotSetUp, Refused, TooFast, TryLater
from cx_runtime.http import read_body
from cx_runtime.metrics import Metrics

_SET_UP_SECONDS = 60
"""The seconds after which a provider may try again where a setting is missing: somebody has to set it."""


class HookRoutes:
    """Handles ``/v1/hooks/{connection}``. ``base``: ``CX_PUBLIC_URL`` without a slash at its end."""

    def __init__(self, intake: Intake, metrics: Metrics, limits: Limits, base: str) -> None:
        self._intake = intake
        self._metrics = metrics
        self._limits = limits
        self._base = base

    async def receive_below(self, request: HttpRequest) -> Response:
        """Accept a request below a connection's address, where its provider has paths of its own."""
        _, provider = self._intake.connection(request.path_params["connection"])
        if not provider.has_paths:
            raise Refused("unknown-path", f"{provider.name} sends nothing below the connection's address", 404)
        return await self.receive(request)

    async def receive(self, request: HttpRequest) -> Response:
        """Accept a provider's request, and answer what the provider expects."""
        connection, provider = self._intake.connection(request.path_params["connection"])
        try:
            _check_method(provider, request)
            self._intake.rates.of_connection(connection.id).ask()
            _check_public_url(provider, connection, self._base, self._metrics)
            self._intake.check_capacity()
            # The provider's own limit where it has one, else the hub's.
            own = provider.max_bytes if provider.max_bytes != DEFAULT_MAX_BYTES else self._limits.body.max_bytes
            body = await read_body(request.headers, request.receive, self._limits.body._replace(max_bytes=own))
            received = _as_received(request, body, self._base, self._intake.now())
        except Refused as refused:
            self._metrics.refused(provider.name, refused.reason)
            self._metrics.request(provider.name, connection.id, "refused")
            raise
        except TryLater:
            self._metrics.request(provider.name, connection.id, "unavailable")
            raise
        try:
            answer = await self._intake.receive(received, connection)
        except TooFast as too_fast:
            self._metrics.refused(provider.name, too_fast.reason)
            raise
        return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)


def _check_method(provider: Provider, request: HttpRequest) -> None:
    """Check before the body is read whether this provider sends such requests at all."""
    if provider.transport != "webhook":
        raise Refused("no-webhook", f"{provider.name} does not come in by webhooks", 404)
    if request.method not in provider.methods:
        allowed = ", ".join(sorted(provider.methods))
        detail = f"{provider.name} sends {allowed}, not {request.method}"
        raise HTTPException(405, detail, {"allow": allowed})
    if provider.content_types and request.method in ("POST", "PUT"):
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in provider.content_types:
            allowed = ", ".join(sorted(provider.content_types))
            raise Refused("unsupported-media-type", f"{provider.name} sends {allowed}, not {given[:64]!r}", 415)


def _check_public_url(provider: Provider, connection: Connection, base: str, metrics: Metrics) -> None:
    """Raise ``NotSetUp`` where a connection can't check a signature for want of a setting."""
    if base or not provider.signs_url:
        return
    for gap in setup_problems(connection, provider, base):
        if not gap.works:
            metrics.refused(provider.name, gap.reason)
            raise NotSetUp("hub", gap.reason, gap.detail, _SET_UP_SECONDS)


def _as_received(request: HttpRequest, body: bytes, base: str, received: int) -> Request:
    path = request.scope.get("raw_path", b"").decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    try:
        fields = () if not query else tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS))
    except ValueError:
        raise Refused("bad-query", f"the query has more than {MAX_QUERY_FIELDS} fields", 400) from None
    return Request(
        body=body,
        method=request.method,
        url=f"{base}{path}{'?' if query else ''}{query}",
        query=fields,
        headers=_joined(request),
        received=received,
    )


def _joined(request: HttpRequest) -> Mapping[str, str]:
    """Return the headers, repeated ones joined by commas (RFC 9110, section 5.3)."""
    values: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        values.setdefault(name, []).append(value)
    return {name: ", ".join(each) for name, each in values.items()}

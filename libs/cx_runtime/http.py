"""Guard the edge of every HTTP service alike: bounded bodies, errors as problem documents.

- ``read_body``: a body read under a limit, a deadline and, if compressed, a second limit. Content-Length is believed
  only where it condemns.
- ``BodyGuard``: the same for routes that let a framework read the body.
- ``install_problems``: every error of an app as a problem document, counted (``Problems``).
- ``operations``: ``/healthz`` and ``/readyz``; ``metrics_route``: ``/metrics``.
"""

from __future__ import annotations

import asyncio
import hmac
import time
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cx_events.errors import Busy, Refused, TooFast, TryLater
from cx_runtime import problems
from cx_runtime.authentication import bearer_token
from cx_runtime.deadline import Within
from cx_runtime.health import Health, Report
from cx_runtime.in_flight import hold
from cx_runtime.metrics import Metrics

CODINGS = ("gzip", "deflate")
"""The content codings in which a body may come."""


class BodyLimits(NamedTuple):
    """``max_bytes``: of the body, compressed and not. A sender must not pause for ``idle`` seconds, and after ``grace``
    seconds must have sent ``min_rate`` bytes a second on the whole, so that dripping does not keep a connection."""

    max_bytes: int = 1 << 20
    idle: float = 10.0
    grace: float = 10.0
    min_rate: int = 16 << 10


async def read_body(headers: Headers, receive: Receive, limits: BodyLimits) -> bytes:
    """The body, decompressed.

    Raises ``Refused``: ``too-large`` (413), ``slow-body`` (408), ``incomplete-body`` (400), ``unsupported-encoding``
    (415), ``bad-encoding`` (400); ``Busy`` where the process has no room for it (``cx_runtime.in_flight``).
    """
    coding = _coding(headers)
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limits.max_bytes:
        raise _too_large(limits.max_bytes)
    clock = asyncio.get_running_loop().time
    allowed_until = clock() + limits.grace
    chunks: list[bytes] = []
    received = 0
    more = True
    while more:
        patience = min(limits.idle, allowed_until + received / limits.min_rate - clock())
        try:
            message = await Within(patience, _received(receive))
        except TimeoutError:
            detail = f"the body came too slowly: {received} bytes arrived, then no more in time"
            raise Refused("slow-body", detail, 408) from None
        if message["type"] == "http.disconnect":
            raise Refused("incomplete-body", f"the sender left after {received} bytes of the body", 400)
        chunk = message.get("body", b"")
        received += len(chunk)
        if received > limits.max_bytes:
            raise _too_large(limits.max_bytes)
        hold(len(chunk))
        chunks.append(chunk)
        more = message.get("more_body", False)
    body = b"".join(chunks)
    if not coding:
        return body
    content = decompressed(body, coding, limits.max_bytes)
    hold(len(content))
    return content


async def _received(receive: Receive) -> Message:
    return await receive()


def _too_large(most: int) -> Refused:
    return Refused("too-large", f"the body is larger than the {most} bytes that are allowed", 413)


def _coding(headers: Headers) -> str:
    """``gzip``, ``deflate`` or nothing (RFC 9110, section 8.4)."""
    if "content-encoding" not in headers:
        return ""
    named = ",".join(headers.getlist("content-encoding")).lower()
    codings = [coding for coding in (word.strip() for word in named.split(",")) if coding not in ("", "identity")]
    if not codings:
        return ""
    coding = codings[0].removeprefix("x-")
    if len(codings) > 1 or coding not in CODINGS:
        detail = f"the content coding {named[:64]!r} is not one of {', '.join(CODINGS)}"
        raise Refused("unsupported-encoding", detail, 415)
    return coding


def decompressed(body: bytes, coding: str, most: int) -> bytes:
    """The content of a ``gzip`` or ``deflate`` body of at most ``most`` bytes; no more than that is ever unpacked.

    Some senders call the bare stream without its zlib wrapper ``deflate`` (RFC 9110, section 8.4.1.2): so be it.
    Raises ``Refused``: ``too-large`` (413), ``bad-encoding`` (400).
    """
    bare = coding == "deflate" and (len(body) < 2 or (body[0] & 0x0F) != 8 or (body[0] << 8 | body[1]) % 31 != 0)
    bits = 16 + zlib.MAX_WBITS if coding == "gzip" else -zlib.MAX_WBITS if bare else zlib.MAX_WBITS
    content = bytearray()
    rest = body
    try:
        while True:
            member = zlib.decompressobj(bits)
            content += member.decompress(rest, most + 1 - len(content))
            if len(content) > most:
                raise _too_large(most)
            if not member.eof:
                raise Refused("bad-encoding", f"the {coding} body ends too early", 400)
            rest = member.unused_data
            if not rest:
                return bytes(content)
            if coding != "gzip":
                raise Refused("bad-encoding", "something follows the deflate body", 400)
    except zlib.error as error:
        raise Refused("bad-encoding", f"the body is not {coding}: {error}", 400) from None


class BodyGuard:
    """Reads each body within the limits before the app sees the request, and hands it on whole and decompressed."""

    def __init__(self, app: ASGIApp, limits: BodyLimits = BodyLimits()) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "content-length" not in headers and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(headers, receive, self._limits)
        except Refused as error:
            await problems.refused(error)(scope, receive, send)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        plain = [
            (name, str(len(body)).encode() if name == b"content-length" else value)
            for name, value in scope["headers"]
            if name != b"content-encoding"
        ]
        await self._app({**scope, "headers": plain}, replay, send)


class Problems:
    """Every error as a problem document, counted."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._said = _Seldom()
        self._log = structlog.get_logger("cx_runtime.http")

    def answer(self, request: Request, error: Exception) -> Response:
        """A fault of ours is logged, and told as one."""
        response, reason = self._told(request, error)
        self._metrics.problem(response.status_code, reason)
        return response

    def _told(self, request: Request, error: Exception) -> tuple[Response, str]:
        if isinstance(error, TooFast | Busy):
            return problems.told(error), error.reason
        if isinstance(error, Refused):
            return problems.refused(error, _hints(error)), error.reason
        if isinstance(error, TryLater):
            self._metrics.unavailable(error.part)
            if self._said.due(error.part):
                self._log.warning("a part does not answer", part=error.part, detail=str(error))
            return problems.try_later(error), "try-later"
        if isinstance(error, HTTPException):
            reason = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "refused")
            return problems.problem(error.status_code, reason, _detail_of(error), error.headers), reason
        # Not the path, which may hold somebody's id: whoever answers it.
        endpoint = getattr(request.scope.get("endpoint"), "__qualname__", "")
        self._log.error("a request met a fault of ours", method=request.method, endpoint=endpoint, exc_info=error)
        return problems.problem(500, "internal", "the hub failed at this; its log says more"), "internal"


def _detail_of(error: HTTPException) -> str:
    """Return the detail of a framework's error; where it says no more than its status, what the sender can do."""
    allowed = (error.headers or {}).get("allow") or (error.headers or {}).get("Allow")
    if error.detail == HTTPStatus.METHOD_NOT_ALLOWED.phrase and allowed:
        return f"this path takes {allowed}"
    if error.detail == HTTPStatus.NOT_FOUND.phrase:
        return "there is nothing at this path; GET /openapi.json describes what there is"
    return str(error.detail)


def install_problems(app: Starlette, metrics: Metrics) -> Problems:
    """Answer every error of ``app`` with a problem document."""
    found = Problems(metrics)

    async def answer(request: Request, error: Exception) -> Response:
        return found.answer(request, error)

    for kind in (Refused, TryLater, HTTPException, Exception):
        app.add_exception_handler(kind, answer)
    return found


class _Seldom:
    """Limits how often a message is logged: thousands of requests a second may meet the same part that is down."""

    def __init__(self) -> None:
        self._again: dict[str, float] = {}

    def due(self, what: str) -> bool:
        """``what``: one of few."""
        now = time.monotonic()
        if now < self._again.get(what, 0.0):
            return False
        self._again[what] = now + 1.0
        return True


def _hints(error: Refused) -> Mapping[str, str]:
    """RFC 9110, section 15.5.16: a refused coding is told which ones are welcome."""
    return {"accept-encoding": "gzip, deflate"} if error.reason == "unsupported-encoding" else {}


def operations(health: Health) -> list[Route]:
    """Liveness and readiness, for whoever runs the hub."""

    async def live(_request: Request) -> Response:
        return _told(health.live())

    async def ready(_request: Request) -> Response:
        return _told(await health.ready())

    return [Route("/healthz", live), Route("/readyz", ready)]


def metrics_route(metrics: Metrics, key: str | None, health: Health) -> Route:
    """``/metrics``: to whoever presents the key as a bearer token, to everybody where ``key`` is None.

    Whether the process is ready is asked anew for each scrape, and told with it.
    They tell of all tenants, so a tenant's key is none for them. An empty key lets nobody in.
    """

    async def measures(request: Request) -> Response:
        if key is not None:
            token = bearer_token(request.headers)
            if not key or not hmac.compare_digest(token.encode(), key.encode()):
                raise Refused("bad-key", "this key does not open /metrics: it has one of its own, CX_METRICS_KEY", 401)
        content, content_type = metrics.render(await health.ready())
        return Response(content, media_type=content_type)

    return Route("/metrics", measures)


def _told(report: Report) -> Response:
    if report.ok:
        return Response(msgspec.json.encode(report), media_type="application/json")
    wrong = "; ".join(f"{name}: {part.why}" for name, part in report.parts.items() if not part.ok)
    more = {"parts": msgspec.to_builtins(report.parts), **({"notes": dict(report.notes)} if report.notes else {})}
    return problems.problem(503, "not-ready", wrong, more=more)

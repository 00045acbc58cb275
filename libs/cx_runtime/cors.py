"""Let pages of other origins use the API (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol).

    app = CrossOrigin(tenants).wrap(app)

Each tenant lists the origins of its pages (``cors_origins``). Browsers ask beforehand, without a key, so *may a page of
this origin ask at all* is answered for all tenants; the answer itself may be read only where the key's own tenant lists
the origin. Keys travel in ``Authorization`` and cookies count for nothing, so no credentials (in the sense of CORS) are
allowed. Webhooks have no pages, and the web chat has rules of its own.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cx_runtime import whole_answers
from cx_runtime.authentication import bearer_token_in
from cx_runtime.tenants import Tenants

_API = "/v1/"
_APART = ("/v1/hooks/", "/v1/chat/")
_CLOUDEVENT = re.compile(r"ce-[a-z0-9]{1,64}")
"""A CloudEvent's attribute in binary mode: which there are is the sender's affair."""

METHODS = "GET, HEAD, POST, PUT, DELETE"
HEADERS = (
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "last-event-id",
    "traceparent",
    "tracestate",
)
"""What a page may send, beside what any page may."""

EXPOSED = b"content-disposition, date, etag, retry-after, www-authenticate"
"""What a page may read, beside what any page may."""

MAX_AGE_SECONDS = 600

_VARY = (b"vary", b"origin")
_ASKED = (b"vary", b"origin, access-control-request-method, access-control-request-headers")


class CrossOrigin:
    """Adds the headers of CORS for origins that a tenant lists, and answers a browser's questions itself."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants
        self._listed = {name: frozenset(config.cors_origins) for name, config in tenants.by_name.items()}
        self._all = frozenset[str]().union(*self._listed.values())

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return ``app`` with these rules; ``app`` itself where nobody lists an origin."""
        if not self._all:
            return app

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope["path"] if scope["type"] == "http" else ""
            if path.startswith(_API) and not path.startswith(_APART):
                await self._answer(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return wrapped

    async def _answer(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        is_listed = origin in self._all
        if is_listed and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _answer_preflight(origin, headers, send)
            return
        more = [_VARY]
        if is_listed and self._may_read(origin, headers):
            more += [(b"access-control-allow-origin", origin.encode()), (b"access-control-expose-headers", EXPOSED)]
        whole_answers.add_headers(scope.setdefault("state", {}), more)

        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        await app(scope, receive, send_more)

    def _may_read(self, origin: str, headers: Headers) -> bool:
        """Return whether the key's tenant lists the origin. Without a key that is known, the answer is a refusal, which
        a page may read to say what is wrong."""
        found = self._tenants.authenticate(bearer_token_in(headers.get("authorization", "")))
        return found is None or origin in self._listed[found[0]]


async def _answer_preflight(origin: str, headers: Headers, send: Send) -> None:
    asked = (name.strip().lower() for name in headers.get("access-control-request-headers", "").split(","))
    allowed = ", ".join([*HEADERS, *(name for name in asked if _CLOUDEVENT.fullmatch(name))])
    answer = [
        (b"access-control-allow-origin", origin.encode()),
        (b"access-control-allow-methods", METHODS.encode()),
        (b"access-control-allow-headers", allowed.encode()),
        (b"access-control-max-age", b"%d" % MAX_AGE_SECONDS),
        _ASKED,
    ]
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})

"""Read what a page shows first by the public API, inside of the process, so that it stands in the page at once.

A page asks nothing here that it may not ask itself a moment later: the request is made with the key of the session,
through the same routes, scopes and shares. Where this process serves no contexts the page asks by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from cx_events.errors import CxError

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
"""An ASGI application."""

TOLD = frozenset({"unknown-customer", "ambiguous-identifier", "not-assured"})
"""Refusals that a page shows as they are; after any other it asks again by itself."""
MOST_BYTES = 512 << 10
"""A larger context is left to the page: it would hold up the page itself."""


class Answer(NamedTuple):
    """``body``: JSON."""

    status: int
    body: bytes


def context_path(rest: str) -> str | None:
    """Return the request for the customer of a page's address, with ``rest`` behind ``/desk/``; None where there is
    none, or where it takes more than one request."""
    kind, _, value = rest.partition("/")
    if not kind or not value:
        return None
    if kind == "customers":
        return f"/v1/customers/{quote(value, safe='')}/context"
    if kind == "interactions":
        return f"/v1/context?interaction={quote(value, safe='')}"
    if kind == "conversations":
        return None
    return f"/v1/context?identifier={quote(f'{kind}:{value}', safe='')}"


async def read(app: App, secret: str, path: str) -> Answer | None:
    """Return what a key is answered at ``path``; None where it can't be told now."""
    bare, _, query = path.partition("?")
    status, parts = 0, list[bytes]()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(bare),
        "raw_path": bare.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"authorization", b"Bearer " + secret.encode("latin-1"))],
        "client": None,
        "server": None,
        "state": {},
    }
    try:
        await app(scope, receive, send)
    except CxError:
        return None
    return Answer(status, b"".join(parts))


def is_told(answer: Answer | None) -> bool:
    """Return whether a page may show this answer as the state of things."""
    if answer is None or len(answer.body) > MOST_BYTES:
        return False
    if answer.status == 200:
        return True
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return False
    return isinstance(found, dict) and found.get("reason") in TOLD

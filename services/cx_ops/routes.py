"""The HTTP routes of operators: lag, dead letters, a second try. Every request needs a key with the scope ``ops``."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import get_args

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store, dead_letters
from cx_context.store.dead_letters import Place
from cx_events.dead_letters import DeadLetter, State, state_of
from cx_events.errors import Refused
from cx_events.log import Log
from cx_ops.lag import lag_of
from cx_ops.retrying import retry
from cx_runtime.http import caller
from cx_runtime.tenants import Scope, Tenants

SCOPE: Scope = "ops"
_KEYED = {
    "description": f"Needs a key with the scope `{SCOPE}`.",
    "security": [{"key": []}],
    "x-scope": [SCOPE],
}
MOST = 1000
DEFAULT = 100


def router(log: Log, store: Store, tenants: Tenants) -> APIRouter:
    routes = APIRouter(prefix="/v1/ops", tags=["ops"])

    async def lag(request: Request) -> Response:
        caller(request.headers, tenants, SCOPE)
        return _json({"items": await lag_of(log, store)})

    async def letters(request: Request) -> Response:
        tenant = caller(request.headers, tenants, SCOPE).tenant
        query = request.query_params
        most = _limit(query.get("limit"))
        before = _place(query["cursor"]) if "cursor" in query else None
        async with store.reading() as tx:
            found = await dead_letters.listed(
                tx,
                tenant=tenant,
                reason=_storable(query.get("reason", "")),
                state=_state(query.get("state")),
                most=most + 1,
                before=before,
            )
        following = _cursor(dead_letters.place_of(found[most - 1])) if len(found) > most else None
        return _json({"items": [_summary(letter) for letter in found[:most]], "next": following})

    async def letter(request: Request) -> Response:
        tenant = caller(request.headers, tenants, SCOPE).tenant
        id = _storable(request.query_params.get("id", ""))
        async with store.reading() as tx:
            found = [each for each in await dead_letters.found(tx, id) if each.tenant == tenant]
        if not found:
            raise Refused("unknown-dead-letter", f"there is no dead letter {id[:64]!r}", 404)
        return _json({"items": found})

    async def again(request: Request) -> Response:
        tenant = caller(request.headers, tenants, SCOPE).tenant
        id = _storable(request.query_params.get("id", ""))
        tried = await retry(log, store, id, tenant=tenant)
        return _json({"retried": [{"source": each.source, "id": each.id} for each in tried]}, status=202)

    for path, handler, method, summary in (
        ("/lag", lag, "GET", "How far each partition's projector is behind"),
        ("/dead-letters", letters, "GET", "The latest dead letters"),
        ("/dead-letter", letter, "GET", "Dead letters of one id, whole"),
        ("/dead-letters/retry", again, "POST", "Try an event again that could not be folded"),
    ):
        routes.add_api_route(path, handler, methods=[method], summary=summary, openapi_extra=_KEYED)
    return routes


def _summary(letter: DeadLetter) -> dict[str, str]:
    """All but the original and what it came with."""
    names = ("source", "id", "stage", "reason", "detail", "recorded", "place", "connection")
    return {**{name: getattr(letter, name) for name in names}, "state": state_of(letter.reason)}


def _state(text: str | None) -> State | None:
    """``failed``, ``waiting``, or None for both."""
    if text is None:
        return None
    for state in get_args(State):
        if text == state:
            found: State = state
            return found
    raise Refused("bad-query", f"state is {' or '.join(get_args(State))}", 400)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MOST:
        raise Refused("bad-query", f"limit is a number from 1 to {MOST}", 400)
    return int(text)


def _cursor(place: Place) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode("ascii")


def _place(cursor: str) -> Place:
    try:
        place: Place = msgspec.json.decode(urlsafe_b64decode(cursor), type=Place)
    except (ValueError, msgspec.MsgspecError):
        raise Refused("bad-cursor", "this is no cursor of this list", 400) from None
    for text in place:
        _storable(text)
    return place


def _storable(text: str) -> str:
    """No store of text takes NUL, so nothing is known by it."""
    if "\0" in text:
        raise Refused("bad-query", "a parameter holds NUL", 400)
    return text


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")

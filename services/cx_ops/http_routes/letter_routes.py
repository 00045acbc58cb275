"""List dead letters over HTTP, show them whole, and try them again."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store, dead_letters
from cx_context.store.dead_letters import Place
from cx_events.dead_letters import DeadLetter, State, state_of
from cx_events.errors import Refused
from cx_events.log import Log
from cx_ops.http_routes.documented import SCOPE, add_route, json_response, parameter
from cx_ops.http_routes.queries import OpsQuery
from cx_ops.retrying import retry
from cx_runtime.http import caller
from cx_runtime.tenants import Tenants

MOST = 1000
DEFAULT = 100
_STATES: tuple[State, ...] = ("failed", "waiting")

_ID = parameter("id", "The id, as listed.", required=True)
_LIST = (
    parameter("state", "`failed`, or `waiting` for an adapter.", enum=list(_STATES), type="string"),
    parameter("reason", "Those with this reason."),
    parameter("limit", "Items of a page.", type="integer", minimum=1, maximum=MOST, default=DEFAULT),
    parameter("cursor", "`next` of the page before."),
)


class LetterRoutes:
    """Handles requests for the dead letters of a key's tenant."""

    def __init__(self, log: Log, store: Store, tenants: Tenants) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants

    def add_to(self, routes: APIRouter) -> None:
        add_route(routes, "GET", "/dead-letters", self.letters, "The latest dead letters", _LIST)
        add_route(routes, "GET", "/dead-letter", self.letter, "Dead letters of one id, whole", [_ID])
        summary = "Try an event again that could not be folded"
        add_route(routes, "POST", "/dead-letters/retry", self.retry, summary, [_ID])

    async def letters(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        query = OpsQuery(request.scope["query_string"], "state", "reason", "limit", "cursor")
        most = query.number("limit", 1, MOST) or DEFAULT
        before = _place(query.text("cursor")) if query.has("cursor") else None
        state = query.choice("state", _STATES, "failed") if query.has("state") else None
        async with self._store.reading() as tx:
            found = await dead_letters.listed(
                tx, tenant=tenant, reason=query.text("reason"), state=state, most=most + 1, before=before
            )
        following = _cursor(dead_letters.place_of(found[most - 1])) if len(found) > most else None
        return json_response({"items": [_summary(letter) for letter in found[:most]], "next": following})

    async def letter(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        id = OpsQuery(request.scope["query_string"], "id").text("id")
        async with self._store.reading() as tx:
            found = [each for each in await dead_letters.found(tx, id) if each.tenant == tenant]
        if not found:
            raise Refused("unknown-dead-letter", f"there is no dead letter {id[:64]!r}", 404)
        return json_response({"items": found})

    async def retry(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        id = OpsQuery(request.scope["query_string"], "id").text("id")
        tried = await retry(self._log, self._store, id, tenant=tenant)
        return json_response({"retried": [{"source": each.source, "id": each.id} for each in tried]}, status=202)


def _summary(letter: DeadLetter) -> dict[str, str]:
    """All but the original and what it came with."""
    names = ("source", "id", "stage", "reason", "detail", "recorded", "place", "connection")
    return {**{name: getattr(letter, name) for name in names}, "state": state_of(letter.reason)}


def _cursor(place: Place) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode("ascii")


def _place(cursor: str) -> Place:
    try:
        place: Place = msgspec.json.decode(urlsafe_b64decode(cursor), type=Place)
    except (ValueError, msgspec.MsgspecError):
        raise Refused("bad-cursor", "this is no cursor of this list", 400) from None
    if any("\0" in text for text in place):
        raise Refused("bad-cursor", "this is no cursor of this list", 400)
    return place

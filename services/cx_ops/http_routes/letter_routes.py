"""Serve dead letters over HTTP: listed one by one or in groups, shown whole, tried again, discarded with a reason."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store, dead_letters, discarded_letters
from cx_context.store.dead_letters import LetterFilter, Place
from cx_events.dead_letters import DeadLetter, State, state_of
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.stamp import key_writer
from cx_events.timestamps import format_time
from cx_ops.dead_letters.acts import LetterActs, Operator, Outcome
from cx_ops.dead_letters.discarding import check_why
from cx_ops.dead_letters.groups import find_groups
from cx_ops.dead_letters.selection import Selection, group_of
from cx_ops.http_routes.documented import SCOPE, OpsRoutes, add_route, json_response, parameter
from cx_ops.http_routes.queries import MOST_CHARACTERS, OpsQuery
from cx_ops.log_browsing.records import tenant_of
from cx_ops.log_browsing.views import Audience
from cx_runtime.authentication import caller
from cx_runtime.cursors import decode_cursor, encode_cursor
from cx_runtime.tenants import Tenants

MOST = 1000
DEFAULT = 100
MOST_ACTED_ON = 1000
"""Dead letters of one request; ``more`` says that there are others, and the same request goes on with them."""

_LETTERS = "dead-letters"
_STATES: tuple[State, ...] = ("failed", "waiting", "discarded")
_FILTERS = ("state", "stage", "reason", "source", "since")
_SELECTION = (*_FILTERS, "id", "group", "why")
_ID = parameter("id", "The id, as listed.", required=True)
_CONDITIONS = (
    parameter("state", "`failed`, `waiting` for an adapter, or `discarded`; else all that nobody discarded.",
              enum=list(_STATES), type="string"),
    parameter("stage", "Those of this stage: `map`, `decode`, `fold` or `conflict`."),
    parameter("reason", "Those with this reason."),
    parameter("source", "Those from this source."),
    parameter("since", "Recorded then or later: RFC 3339, or a time ago like `10m`."),
)  # fmt: skip
_GROUP = parameter("group", "Those of this group, by its `id`.")
_PAGING = (
    parameter("limit", "Items of a page.", type="integer", minimum=1, maximum=MOST, default=DEFAULT),
    parameter("cursor", "`next` of the page before."),
)
_ACT = (
    parameter("id", "Those with this id."),
    _GROUP,
    *_CONDITIONS,
    parameter("why", "Why, for the event that tells of it. A discard needs a reason."),
)


class LetterRoutes:
    """Handles requests for dead letters. A key sees and changes those of its tenant; of those that name no tenant it
    sees that they are there, and has them whole where the hub has no other tenant."""

    def __init__(self, store: Store, tenants: Tenants, acts: LetterActs) -> None:
        self._store = store
        self._tenants = tenants
        self._acts = acts

    def add_to(self, routes: OpsRoutes) -> None:
        listing = (*_CONDITIONS, _GROUP, *_PAGING)
        summary = "The latest dead letters"
        add_route(routes, "GET", "/dead-letters", self.letters, "list_dead_letters", summary, "DeadLetterPage", listing)
        summary = "Dead letters that are alike, counted"
        groups = "list_dead_letter_groups", summary, "DeadLetterGroups", _CONDITIONS
        add_route(routes, "GET", "/dead-letters/groups", self.groups, *groups)
        letter = "get_dead_letter", "Dead letters of one id, whole", "DeadLetters", [_ID]
        add_route(routes, "GET", "/dead-letter", self.letter, *letter, problems=(404,))
        acts = [
            ("retry", self.retry, "DeadLettersRetried", "Try dead letters again, one, by group or by condition"),
            (
                "discard",
                self.discard,
                "DeadLettersDiscarded",
                "Discard dead letters with a reason; they stay on the log",
            ),
        ]
        for name, act, answered, summary in acts:
            described = f"{name}_dead_letters", summary, answered, _ACT
            path = f"/dead-letters/{name}"
            add_route(routes, "POST", path, act, *described, status=(202,), problems=(404, 409, 422))

    async def letters(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        query = OpsQuery(request.scope["query_string"], *_FILTERS, "group", "limit", "cursor")
        most = query.number("limit", 1, MOST) or DEFAULT
        before = _place(query.text("cursor")) if query.has("cursor") else None
        wanted = _wanted(query, (tenant, ""))
        async with self._store.reading() as tx:
            found = await dead_letters.listed(tx, wanted, most=most + 1, before=before)
        following = encode_cursor(_LETTERS, dead_letters.place_of(found[most - 1])) if len(found) > most else None
        items = self._shown(found[:most], tenant, wanted.state)
        if group := query.text("group"):
            items = [item for item in items if item.get("group") == group]
        return json_response({"items": items, "next": following})

    def _shown(self, letters: Sequence[DeadLetter], tenant: str, state: State | None) -> list[Json]:
        audience = self._audience(tenant)
        items: list[Json] = []
        for letter in letters:
            named = tenant_of(letter)
            if audience.owns(named):
                items.append(_summary(letter, state))
            elif audience.may_know_of(named):
                items.append(_withheld(letter, state))
        return items

    async def groups(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        query = OpsQuery(request.scope["query_string"], *_FILTERS)
        return json_response({"items": await find_groups(self._store, _wanted(query, self._own(tenant)))})

    async def letter(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        id = OpsQuery(request.scope["query_string"], "id").text("id")
        async with self._store.reading() as tx:
            found = [each for each in await dead_letters.found(tx, id) if self._owns(tenant, each)]
            discards = await discarded_letters.read_discards(tx, [id])
        if not found:
            raise Refused("unknown-dead-letter", f"there is no dead letter {id[:64]!r}", 404)
        return json_response({"items": [_whole(each, discards) for each in found]})

    async def retry(self, request: Request) -> Response:
        tenant, who, query, selection = self._asked(request)
        outcome = await self._acts.retry(
            selection,
            who,
            query.text("why"),
            most=MOST_ACTED_ON,
            owns=lambda letter: self._owns(tenant, letter),
        )
        return json_response({"retried": _named(outcome), **_rest(outcome, selection)}, status=202)

    async def discard(self, request: Request) -> Response:
        tenant, who, query, selection = self._asked(request)
        outcome = await self._acts.discard(
            selection,
            who,
            check_why(query.text("why")),
            most=MOST_ACTED_ON,
            owns=lambda letter: self._owns(tenant, letter),
        )
        return json_response({"discarded": _named(outcome), **_rest(outcome, selection)}, status=202)

    def _asked(self, request: Request) -> tuple[str, Operator, OpsQuery, Selection]:
        tenant, key = caller(request.headers, self._tenants, SCOPE)
        query = OpsQuery(request.scope["query_string"], *_SELECTION)
        id = query.text("id")
        # A record that could not be read lies under no tenant, and may yet name this one: see ``_owns``.
        wanted = _wanted(query, (tenant, "") if id else self._own(tenant))._replace(id=id)
        return tenant, Operator(key_writer(key.id)), query, Selection(wanted, query.text("group"))

    def _audience(self, tenant: str) -> Audience:
        return Audience(tenant, is_only=len(self._tenants.by_name) == 1)

    def _own(self, tenant: str) -> tuple[str, ...]:
        """Return the tenants whose dead letters a key of this tenant may change."""
        return (tenant, "") if self._audience(tenant).is_only else (tenant,)

    def _owns(self, tenant: str, letter: DeadLetter) -> bool:
        return self._audience(tenant).owns(tenant_of(letter))


def _wanted(query: OpsQuery, tenants: tuple[str, ...]) -> LetterFilter:
    since = query.moment("since")
    return LetterFilter(
        tenants,
        query.text("stage"),
        query.text("reason"),
        query.text("source"),
        since=format_time(since) if since is not None else "",
        state=query.choice("state", _STATES, "failed") if query.has("state") else None,
    )


def _summary(letter: DeadLetter, state: State | None) -> Json:
    """Return all but the original and what it came with."""
    names = ("source", "id", "stage", "reason", "detail", "recorded", "place", "connection")
    shown = {name: getattr(letter, name) for name in names}
    return {**shown, "state": state or state_of(letter.reason), "group": group_of(letter)}


def _withheld(letter: DeadLetter, state: State | None) -> Json:
    """Return what everybody's operators may know of a record that names no tenant."""
    shown = {name: getattr(letter, name) for name in ("id", "stage", "reason", "recorded", "place")}
    return {**shown, "state": state or state_of(letter.reason), "withheld": True}


def _whole(letter: DeadLetter, discards: dict[tuple[str, str, str, str], discarded_letters.Discard]) -> Json:
    discard = discards.get((letter.tenant, letter.source, letter.id, letter.stage))
    whole: Json = msgspec.to_builtins(letter)
    return whole if discard is None else {**whole, "discarded": discard._asdict()}


def _named(outcome: Outcome) -> list[Json]:
    return [{"source": each.source, "id": each.id} for each in outcome.letters]


def _rest(outcome: Outcome, selection: Selection) -> Json:
    """Return what else is to be told of an act on several."""
    if selection.wanted.id:
        return {}
    return {"count": outcome.done, "refused": dict(outcome.refused), "more": not outcome.is_over}


def _place(cursor: str) -> Place:
    place: Place = decode_cursor(cursor, _LETTERS, Place, most=MOST_CHARACTERS)
    if any("\0" in text for text in place):
        raise Refused("bad-cursor", "this is no cursor of this list", 400)
    return place

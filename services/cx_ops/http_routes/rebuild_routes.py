"""Serve rebuilds over HTTP: how they are, and all that an operator may do about one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_events.errors import Refused, TryLater
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.stamp import StampedEvent, key_writer
from cx_ops.http_routes.documented import SCOPE, Background, OpsRoutes, add_route, json_response, parameter
from cx_ops.http_routes.queries import OpsQuery, read_reason
from cx_ops.operator_acts import append_once
from cx_ops.rebuild import control
from cx_ops.rebuild.audit import audit_events
from cx_ops.rebuild.control import Asker, Status
from cx_ops.rebuild.fold_state import FoldState, fold_state
from cx_ops.rebuild.ownership import Ownership
from cx_ops.rebuild.plan import plan_of
from cx_ops.rebuild.record import CONTEXT
from cx_runtime.authentication import caller
from cx_runtime.tenants import Tenants

MOST_RATE = 1_000_000
MOST_WORKERS = 64

_WHY = parameter("why", "Why, for the event that tells of it.", required=True)
_PACE = (
    parameter("rate", "Events a second, at most.", type="integer", minimum=1, maximum=MOST_RATE),
    parameter("workers", "Workers that share the partitions.", type="integer", minimum=1, maximum=MOST_WORKERS),
)
_REVIEW = parameter("review", "Compare, and stop before the switch.", type="boolean")
_SUMMARIES = {
    "start": "Fill a second set of tables, compare all customers, and exchange them; `review` stops before that",
    "exchange": "Let readers see what was compared",
    "resume": "Go on with a rebuild that was paused or broke off",
    "undo": "Give readers the tables back that the exchange replaced",
    "pause": "Ask the process that works on it to stop",
    "cancel": "Stop, and delete the second set of tables",
    "drop": "Delete the tables that are kept; there is no undo afterwards",
}


class Pace(NamedTuple):
    """The speed of a rebuild. ``rate``: events a second, None for no limit."""

    rate: float | None = None
    workers: int = 1


Work = Callable[[Ownership, Pace], None]
"""Goes on with a rebuild in this process, in the background."""


class RebuildRoutes:
    """Handles requests for rebuilds. They concern all tenants, so a key of one of several sees how far they are and its
    own customers, and changes nothing. ``process``: the name of this process, which does the work."""

    def __init__(
        self,
        log: Log,
        store: Store,
        tenants: Tenants,
        spaces: Mapping[str, IdSpace],
        process: str,
        work: Work,
        background: Background,
    ) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants
        self._spaces = spaces
        self._process = process
        self._work = work
        self._background = background

    def add_to(self, routes: OpsRoutes) -> None:
        one = f"/rebuilds/{CONTEXT}"
        several = "list_rebuilds", "The latest rebuilds, and whether one is due", "RebuildList"
        add_route(routes, "GET", "/rebuilds", self.rebuilds, *several)
        latest = "get_rebuild", "The latest rebuild: its state, progress and differences", "Rebuild"
        add_route(routes, "GET", one, self.rebuild, *latest, problems=(404,))
        plan = "plan_rebuild", "How much a rebuild would have to do, and what it locks when", "RebuildPlan"
        add_route(routes, "GET", f"{one}/plan", self.plan, *plan)
        for act, summary in _SUMMARIES.items():
            paced = _PACE if act in ("start", "exchange", "resume", "undo") else ()
            more = (_REVIEW,) if act == "start" else ()
            described = f"{act}_rebuild", summary, "Rebuild", (_WHY, *more, *paced)
            done = (202,) if paced else (200,)
            add_route(routes, "POST", f"{one}/{act}", self._handler(act), *described, status=done, problems=(404, 409))

    async def rebuilds(self, request: Request) -> Response:
        tenant = self._caller(request)
        found, folds = await self._found()
        return json_response({"items": [self._shown(found, folds, tenant)] if found else [], "fold": _fold(folds)})

    async def rebuild(self, request: Request) -> Response:
        tenant = self._caller(request)
        found, folds = await self._found()
        if found is None:
            raise Refused("no-rebuild", "nothing was ever rebuilt here", 404)
        return json_response(self._shown(found, folds, tenant))

    async def plan(self, request: Request) -> Response:
        self._caller(request)
        found, _ = await self._found()
        known = found.record.rate if found is not None else 0.0
        return json_response(await plan_of(self._store, self._log, rate=None, known_rate=known))

    def _caller(self, request: Request) -> str:
        OpsQuery(request.scope["query_string"])
        return caller(request.headers, self._tenants, SCOPE).tenant

    def _handler(self, act: str) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await self._act(request, act)

        handle.__name__ = f"{act}_rebuild"
        return handle

    async def _act(self, request: Request, act: str) -> Response:
        tenant, key = caller(request.headers, self._tenants, SCOPE)
        if len(self._tenants.by_name) > 1:
            raise Refused("not-the-only-tenant", "a rebuild concerns all tenants: use cx rebuild on the machine", 409)
        query = OpsQuery(request.scope["query_string"], "why", "review", "rate", "workers")
        why = read_reason(query.text("why"))
        asker = Asker(key_writer(key.id), why, self._process, key_writer(key.id))
        rate, workers = query.number("rate", 1, MOST_RATE), query.number("workers", 1, MOST_WORKERS)
        review = query.choice("review", ("true", "false"), "false") == "true"
        events = audit_events(self._spaces, asker, act)
        own = await self._carry_out(act, asker, review=review)
        if own is not None:
            self._work(own, Pace(rate, workers or 1))
        await self._tell(events)
        found, folds = await self._found()
        assert found is not None, "an act leaves its record"
        return json_response(self._shown(found, folds, tenant), status=202 if own is not None else 200)

    async def _tell(self, events: Sequence[StampedEvent]) -> None:
        """Append the events of an act that was done; where the log is away, as soon as it is back: asked again, the act
        would be refused."""
        append = partial(append_once, self._log, events)
        try:
            await append()
        except TryLater:
            self._background(f"telling of {events[0].id}", append)

    async def _carry_out(self, act: str, asker: Asker, *, review: bool) -> Ownership | None:
        """Return the right to work on it, where the act asks for work."""
        if act == "start":
            return await control.begin(self._store, asker, review=review)
        if act == "exchange":
            found = await control.status(self._store)
            if found is None or found.phase != "compared":
                raise Refused("nothing-compared", "there is no rebuild that waits for its exchange", 409)
        if act in ("exchange", "resume"):
            return await control.resume(self._store, asker)
        if act == "undo":
            return await control.undo(self._store, asker)
        if act == "drop":
            await control.drop(self._store, asker)
        else:
            await control.ask(self._store, asker, act)
        return None

    async def _found(self) -> tuple[Status | None, FoldState]:
        return await control.status(self._store), await fold_state(self._store)

    def _shown(self, found: Status, folds: FoldState, tenant: str) -> Json:
        told: Json = {
            "subject": CONTEXT,
            "phase": found.phase,
            "owner": found.owner,
            "wanted": found.wanted,
            **msgspec.to_builtins(found.record),
            "fold": _fold(folds),
        }
        if len(self._tenants.by_name) > 1:
            told["acts"] = []
            if told["report"] is not None:
                for named in (told["report"], *told["report"]["tables"]):
                    named["first"] = [one for one in named["first"] if one["tenant"] == tenant]
        return told


def _fold(folds: FoldState) -> Json:
    return {"stored": list(folds.stored), "outdated": folds.is_outdated, "told": folds.told()}

"""Serve replays over HTTP: planned, begun, listed, gone on with, cancelled.

The process that is asked does the work, and keeps the states below its ``CX_HOME``. Files and other logs are targets of
the command line alone: a request must not choose what this machine writes or connects to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_events.errors import CxError, Refused
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log, LogRecord, Record
from cx_events.schema_shapes import ref
from cx_events.stamp import StampedEvent, key_writer
from cx_ops.http_routes.documented import SCOPE, Background, OpsRoutes, add_route, json_response, parameter
from cx_ops.http_routes.queries import OpsQuery, read_reason
from cx_ops.log_browsing.customers import customer_test
from cx_ops.log_browsing.records import BrowsedRecord
from cx_ops.operator_acts import append_patiently, operator_event
from cx_ops.replay.acts import (
    REPLAYED,
    Ground,
    attributes_of,
    cancel,
    check_asked,
    new_state,
    opened_target,
    signatures_of,
    told_of,
)
from cx_ops.replay.asked import Asked, ReplayActRequest, ReplayRequest, read_speed
from cx_ops.replay.plan import READ_RECORDS, plan_of
from cx_ops.replay.run import HTTP_RECORDS, Replay, check_resumable
from cx_ops.replay.selection import Test, select, test_of
from cx_ops.replay.state import ReplayState, ReplayStates
from cx_ops.replay.targets import Place, TopicPlace, UrlPlace, read_target
from cx_runtime.authentication import caller
from cx_runtime.http import BodyLimits, read_body
from cx_runtime.tenants import Tenants

MOST_AT_ONCE = 4
"""Replays of a tenant that a process works on at once."""
PLAN_SECONDS = 20.0
_LIMITS = BodyLimits(64 << 10)
_START: Json = {
    "target": "copies",
    "from": "7d",
    "where": "type=cx.message.* and data.channel=chat",
    "why": "the mirror lost them",
}
_ACT: Json = {"why": "it took too long"}
_ID = (parameter("id", "The replay, as listed.", place="path"),)
_ENDED_BY_US = ("done", "cancelled", "failed")

T = TypeVar("T")


class ReplayRoutes:
    """Handles requests for replays. Of several tenants each one's operators see and send their own events alone."""

    def __init__(
        self,
        log: Log,
        store: Store,
        tenants: Tenants,
        spaces: Mapping[str, IdSpace],
        ground: Ground,
        background: Background,
    ) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants
        self._spaces = spaces
        self._ground = ground
        self._states = ReplayStates(ground.home)
        self._background = background
        self._working: dict[str, str] = {}
        """The tenant of each replay that this process works on, or is about to."""

    def add_to(self, routes: OpsRoutes) -> None:
        one, start, act = "/replays/{id}", ref("ReplayRequest"), ref("ReplayActRequest")
        listed = "list_replays", "Replays, the latest first", "ReplayList"
        add_route(routes, "GET", "/replays", self.replays, *listed)
        found = "get_replay", "How far a replay is", "Replay", _ID
        add_route(routes, "GET", one, self.replay, *found, problems=(404,))
        planned = "plan_replay", "What would be sent; nothing is", "ReplayPlan"
        add_route(routes, "POST", "/replays/plan", self.plan, *planned, body=start, example=_START, problems=(404, 409))
        begun = "start_replay", "Send records to a topic or a URL", "Replay"
        add_route(
            routes,
            "POST",
            "/replays",
            self.start,
            *begun,
            body=start,
            example=_START,
            status=(202,),
            problems=(404, 409),
        )
        resumed = "resume_replay", "Go on with one that broke off or failed", "Replay", _ID
        add_route(
            routes,
            "POST",
            f"{one}/resume",
            self.resume,
            *resumed,
            body=act,
            example=_ACT,
            status=(202,),
            problems=(404, 409),
        )
        cancelled = "cancel_replay", "Stop one for good; what was sent stays", "Replay", _ID
        add_route(routes, "POST", f"{one}/cancel", self.cancel, *cancelled, body=act, example=_ACT, problems=(404, 409))

    async def replays(self, request: Request) -> Response:
        tenant = self._caller(request)
        states = await asyncio.to_thread(self._states.all)
        return json_response({"items": [told_of(self._states, each) for each in states if self._is_seen(each, tenant)]})

    async def replay(self, request: Request) -> Response:
        return json_response(told_of(self._states, self._found(request, self._caller(request))))

    async def plan(self, request: Request) -> Response:
        tenant = self._caller(request)
        asked, _, _ = await self._asked(request, tenant)
        selection, wanted = await select(self._log, asked), await self._test(asked, tenant)
        try:
            async with asyncio.timeout(PLAN_SECONDS):
                plan = await plan_of(self._log, selection, wanted, asked.target)
        except TimeoutError:
            raise Refused(
                "too-long", f"{selection.records} records take too long: ask for less, or use cx replay plan", 400
            ) from None
        if asked.rate is not None:
            plan.seconds = plan.wanted / asked.rate
        return json_response(msgspec.to_builtins(plan))

    async def start(self, request: Request) -> Response:
        tenant, key = caller(request.headers, self._tenants, SCOPE)
        asked, place, body = await self._asked(request, tenant)
        why = read_reason(body.why)
        signatures_of(body.secret)
        wanted = await self._test(asked, tenant)
        state = new_state(asked, await select(self._log, asked), key_writer(key.id), why, tenant)
        with self._room(state.id, tenant):
            await asyncio.to_thread(self._states.write, state)
            await self._note(state, "began", tenant, key_writer(key.id), why)
            self._begin(state, wanted, place, body.secret)
        return json_response(told_of(self._states, state), 202)

    async def resume(self, request: Request) -> Response:
        tenant, key = caller(request.headers, self._tenants, SCOPE)
        body = await _read(request, ReplayActRequest)
        why, state = read_reason(body.why), self._found(request, tenant)
        check_resumable(state)
        self._check_idle(state.id)
        place = self._checked(state.asked.target)
        signatures_of(body.secret)
        wanted = await self._test(state.asked, tenant)
        self._check_idle(state.id)
        with self._room(state.id, tenant):
            await self._note(state, "went on", tenant, key_writer(key.id), why)
            self._begin(state, wanted, place, body.secret)
        return json_response(told_of(self._states, state), 202)

    async def cancel(self, request: Request) -> Response:
        tenant, key = caller(request.headers, self._tenants, SCOPE)
        body = await _read(request, ReplayActRequest)
        why, state = read_reason(body.why), self._found(request, tenant)
        state = await asyncio.to_thread(cancel, self._states, state.id)
        await self._note(state, "cancelled", tenant, key_writer(key.id), why)
        return json_response(told_of(self._states, state))

    def _caller(self, request: Request) -> str:
        OpsQuery(request.scope["query_string"])
        return caller(request.headers, self._tenants, SCOPE).tenant

    @property
    def _several(self) -> bool:
        return len(self._tenants.by_name) > 1

    def _is_seen(self, state: ReplayState, tenant: str) -> bool:
        return state.tenant == tenant or not self._several

    def _found(self, request: Request, tenant: str) -> ReplayState:
        id = request.path_params["id"]
        state = self._states.read(id)
        if not self._is_seen(state, tenant):
            raise Refused("unknown-replay", f"there is no replay {id[:40]!r} here", 404)
        return state

    async def _asked(self, request: Request, tenant: str) -> tuple[Asked, Place, ReplayRequest]:
        body = await _read(request, ReplayRequest)
        if body.rate is not None and not 0.1 <= body.rate <= 1e9:
            raise Refused("bad-rate", "rate is a number of records a second, 0.1 at least", 400)
        place = self._checked(body.target)
        asked = Asked(
            topic=body.topic, begin=body.begin, end=body.end, where=body.where, customer=body.customer,
            target=body.target, rate=body.rate, speed=read_speed(body.speed),
        )  # fmt: skip
        await check_asked(asked, place, self._ground)
        return asked, place, body

    def _checked(self, target: str) -> Place:
        place = read_target(target)
        if isinstance(place, UrlPlace):
            return place
        if not isinstance(place, TopicPlace) or place.log:
            raise Refused("bad-target", "over HTTP the target is a topic or a URL; use cx replay for others", 400)
        if self._several:
            raise Refused("not-the-only-tenant", "a topic is of all tenants: use cx replay on the machine", 409)
        return place

    async def _test(self, asked: Asked, tenant: str) -> Test:
        theirs = None
        if asked.customer:
            theirs = await customer_test(self._store, {tenant: self._spaces[tenant]}, asked.topic, asked.customer)
        wanted = test_of(asked, theirs)
        if not self._several:
            return wanted
        return lambda record: BrowsedRecord(record).tenant == tenant and wanted(record)

    def _check_idle(self, id: str) -> None:
        if id in self._working or self._states.is_working(id):
            raise Refused("replay-under-way", f"a process works on the replay {id}", 409)

    @contextmanager
    def _room(self, id: str, tenant: str) -> Iterator[None]:
        """Take the room of a replay, and give it back where that does not begin."""
        if sum(each == tenant for each in self._working.values()) >= MOST_AT_ONCE:
            raise Refused("too-many-replays", f"this process works on {MOST_AT_ONCE} replays already", 409)
        self._working[id] = tenant
        try:
            yield
        except BaseException:
            del self._working[id]
            raise

    def _begin(self, state: ReplayState, wanted: Callable[[LogRecord], bool], place: Place, secret: str) -> None:
        """Work on a replay in the background."""
        said = structlog.get_logger("cx_ops").bind(replay=state.id)

        def tell(sentence: str) -> None:
            said.info("an attempt failed", why=sentence)

        async def work() -> None:
            step = HTTP_RECORDS if isinstance(place, UrlPlace) else READ_RECORDS
            try:
                with self._states.locked(state.id):
                    async with opened_target(self._ground, self._log, place, state, secret, tell) as target:
                        await Replay(self._log, wanted, target, self._states, state, step=step).run()
            except CxError as error:
                said.warning("the replay stopped", why=str(error))
            finally:
                self._working.pop(state.id, None)
            if state.phase in _ENDED_BY_US:
                act = self._act(state, state.phase, state.tenant, state.who, state.why)
                await append_patiently(self._log, [act])

        self._background(f"replay {state.id}", work)

    async def _note(self, state: ReplayState, act: str, tenant: str, who: str, why: str) -> None:
        """Append the event that says who had what replayed, and why."""
        event = self._act(state, act, tenant, who, why)
        await self._log.append([Record(INTERACTIONS, event.key, event.raw)])

    def _act(self, state: ReplayState, act: str, tenant: str, who: str, why: str) -> StampedEvent:
        return operator_event(
            REPLAYED,
            f"{state.id}/{act}/{time.time_ns()}",
            self._spaces[tenant],
            time.time_ns() // 1000,
            writer=who,
            operator="",
            why=why,
            attributes=attributes_of(state, act),
        )


async def _read(request: Request, form: type[T]) -> T:
    """Return a JSON body. Raises ``Refused``: ``bad-body`` (400) and what ``read_body`` does."""
    OpsQuery(request.scope["query_string"])
    body = await read_body(request.headers, request.receive, _LIMITS)
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad-body", f"the body: {error}", 400) from None

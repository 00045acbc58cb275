"""Requests about who is who: to be told, to try, to decide."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store import Store
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.decisions import Decisions, decision_request
from cx_context_api.identity import explanations, preview
from cx_context_api.identity.candidate_pages import read_candidate_page
from cx_context_api.identity.decision_commands import DECISION_COMMANDS, Planner
from cx_context_api.identity.decision_plans import DecisionPlan
from cx_context_api.identity.merge_and_unmerge import MergeBlocked
from cx_context_api.identity.rules_whatif import RulesWhatIf
from cx_context_api.reads.deadline import DEADLINE_SECONDS, within
from cx_context_api.reads.point_in_time import read_at, read_customer
from cx_context_api.reads.processes import answer_in_process
from cx_context_api.reads.time_bounds import FIELDS, read_time_bounds
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.cursors import CursorNode, decode_cursor, encode_cursor
from cx_context_api.requests.queries import PAGING, EventName
from cx_context_api.requests.responses import accepted, json_response, read_query, read_request_body, route
from cx_context_api.requests.targets import by_id
from cx_events.errors import Refused
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem

_CANDIDATES = "candidates"
_OWN_DECISION_SECONDS = 1.5


class IdentityRoutes:
    """The handlers, over the parts that ``app`` puts together."""

    def __init__(
        self,
        admission: Admission,
        store: Store,
        decisions: Decisions,
        whatif: RulesWhatIf,
        metrics: Metrics,
        turns: ReadTurns,
    ) -> None:
        self._admission = admission
        self._turns = turns
        self._store = store
        self._decisions = decisions
        self._whatif = whatif
        self._metrics = metrics

    def all(self) -> list[Route]:
        return [
            route("GET", "/v1/customers/{id}/identity", self.identity),
            route("GET", "/v1/identity/candidates", self.candidates),
            route("POST", "/v1/identity/whatif", self.whatif),
            *(route("POST", f"/v1/identity/{name}", self._judge(name)) for name in DECISION_COMMANDS),
        ]

    async def identity(self, request: Request) -> Response:
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        moment = read_time_bounds(read_query(request, *FIELDS), self._decisions.now)
        node = by_id(request.path_params["id"]).node
        if moment is not None:
            response = await answer_in_process(self._turns.processes, self._turns.heavy, tenant, request)
            if response is not None:
                return response

        async def read(tx: Tx, then: Snapshot | None) -> Json:
            customer, meta = await read_customer(tx, tenant, node, then)
            if then is None:
                told = await explanations.explanation(tx, tenant, tenancy, customer)
            else:
                told = await explanations.explanation_then(tx, then, customer)
            return {"meta": meta, **told}

        return json_response(await read_at(self._store, self._turns, tenancy, moment, read))

    async def candidates(self, request: Request) -> Response:
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = read_query(request, *PAGING)
        cursor, limit = query.text("cursor"), query.limit()
        after: NodeId | None = decode_cursor(cursor, _CANDIDATES, CursorNode) if cursor is not None else None

        async def read(tx: Tx, _then: Snapshot | None) -> Json:
            items, place = await read_candidate_page(tx, tenant, tenancy, after, limit)
            return {"items": items, "next": encode_cursor(_CANDIDATES, place) if place is not None else None}

        return json_response(await read_at(self._store, self._turns, tenancy, None, read))

    async def whatif(self, request: Request) -> Response:
        tenant, tenancy, _ = self._admission.admit(request.headers, "identity:write")
        self._admission.require_scope(request.headers, "context:read")
        read_query(request)
        body = await read_request_body(request, bodies.WhatIf)
        return json_response(await self._whatif.tried(tenant, tenancy, body))

    def _judge(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        judged = DECISION_COMMANDS[name]

        async def handle(request: Request) -> Response:
            caller = self._admission.admit(request.headers, "identity:write")
            dry_run = read_query(request, "dry_run").flag("dry_run")
            if dry_run:
                self._admission.require_scope(request.headers, "context:read")
            body = await read_request_body(request, judged.shape)
            key = None if dry_run else request.headers.get("idempotency-key")
            asked = decision_request(caller, key, bodies.request_digest(f"identity/{name}", body))

            async def answer() -> Response:
                names = await self._decisions.find_applied(asked)
                if names:
                    return accepted(names)
                try:
                    verdict = await self._verdict(caller, judged.judge, body)
                except MergeBlocked as hindered:
                    self._metrics.problem(hindered.status, hindered.reason)
                    against = explanations.obstacles_view(hindered.against, hindered.profiles)
                    return problem(hindered.status, hindered.reason, hindered.detail, more={"against": against})
                if dry_run:
                    events = self._decisions.stamp(asked, verdict.choices)
                    return await self._outcome(caller, verdict, [event.raw for event in events])
                return accepted(await self._decisions.append(asked, verdict.choices))

            return await within(answer(), "store or log")

        return handle

    async def _verdict(self, caller: Caller, judge: Planner, body: bodies.RequestBody) -> DecisionPlan:
        """A decision that we took ourselves a moment ago is waited for: who took it may well think again."""
        clock = asyncio.get_running_loop().time
        until = clock() + min(_OWN_DECISION_SECONDS, DEADLINE_SECONDS)
        while True:
            try:
                async with self._store.reading() as tx:
                    return await judge(tx, caller.tenant, caller.tenancy, body)
            except Refused as refused:
                ours = isinstance(body, bodies.Unmerge) and self._took(caller.tenant, body.decision)
                if refused.reason != "unknown-decision" or not ours or clock() > until:
                    raise
            await asyncio.sleep(0.02)

    def _took(self, tenant: str, decision: str | None) -> bool:
        source, _, id = (decision or "").partition("#")
        return self._decisions.is_recent(tenant, EventName(source, id))

    async def _outcome(self, caller: Caller, verdict: DecisionPlan, raws: Sequence[bytes]) -> Response:
        if verdict.whole:
            raise Refused("no-dry-run", "withdrawing this concerns who is who at large; it can't be tried beforehand")
        tenant, tenancy, _ = caller
        decided = preview.decided(raws, tenancy.ids)
        async with self._turns.heavy.turn(tenant), self._store.reading() as tx:
            found = await preview.outcome(tx, tenant, tenancy, decided, verdict.profiles, verdict.nodes)
        contexts = [{"customer": body["customer"]["id"], "body": body} for body in found]
        return json_response({"dry_run": True, "contexts": contexts})

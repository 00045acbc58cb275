"""Handle requests about who is who: explanations, candidates, decisions, previews."""

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
from cx_context_api.reads.point_in_time import read_at, read_customer
from cx_context_api.reads.responses import answer_at
from cx_context_api.reads.time_bounds import FIELDS, read_time_bounds
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.queries import PAGING, EventName
from cx_context_api.requests.responses import accepted, json_response, read_act, read_query, read_request_body, route
from cx_context_api.requests.targets import by_id
from cx_events.errors import Refused
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_runtime.answer_deadline import DEADLINE_SECONDS, within
from cx_runtime.cursors import CursorNode, decode_cursor, encode_cursor
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem

_CANDIDATES = "candidates"
_OWN_DECISION_SECONDS = 1.5


class IdentityRoutes:
    """Handles requests about identity."""

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
        """Return all routes."""
        return [
            route("GET", "/v1/customers/{id}/identity", self.identity),
            route("GET", "/v1/identity/candidates", self.candidates),
            route("POST", "/v1/identity/whatif", self.whatif),
            *(route("POST", f"/v1/identity/{name}", self._decide(name)) for name in DECISION_COMMANDS),
        ]

    async def identity(self, request: Request) -> Response:
        """Answer with the explanation of a customer."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        moment = read_time_bounds(read_query(request, *FIELDS), self._decisions.now)
        node = by_id(request.path_params["id"]).node

        async def read(tx: Tx, then: Snapshot | None) -> Json:
            customer, meta = await read_customer(tx, tenant, node, then)
            if then is None:
                told = await explanations.read_explanation(tx, tenant, tenancy, customer)
            else:
                told = await explanations.read_explanation_as_of(tx, then, customer)
            return {"meta": meta, **told}

        return await answer_at(request, self._store, self._turns, tenancy, moment, read)

    async def candidates(self, request: Request) -> Response:
        """Answer with a page of open candidates."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "context:read")
        query = read_query(request, *PAGING)
        cursor, limit = query.text("cursor"), query.limit()
        after: NodeId | None = decode_cursor(cursor, _CANDIDATES, CursorNode) if cursor is not None else None

        async def read(tx: Tx, _then: Snapshot | None) -> Json:
            items, place = await read_candidate_page(tx, tenant, tenancy, after, limit)
            return {"items": items, "next": encode_cursor(_CANDIDATES, place) if place is not None else None}

        return json_response(await read_at(self._store, self._turns, tenancy, None, read))

    async def whatif(self, request: Request) -> Response:
        """Answer with who would join or part under other rules."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "identity:write")
        self._admission.require_scope(request.headers, "context:read")
        read_query(request)
        body = await read_request_body(request, bodies.WhatIf)
        return json_response(await self._whatif.compare(tenant, tenancy, body))

    def _decide(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        command = DECISION_COMMANDS[name]

        async def handle(request: Request) -> Response:
            caller = self._admission.admit(request.headers, "identity:write")
            dry_run = read_query(request, "dry_run").flag("dry_run")
            if dry_run:
                self._admission.require_scope(request.headers, "context:read")
            body = await read_act(request, command.shape, caller.tenancy.directory)
            key = None if dry_run else request.headers.get("idempotency-key")
            request_id = decision_request(caller, key, bodies.request_digest(f"identity/{name}", body))

            async def answer() -> Response:
                names = await self._decisions.find_applied(request_id)
                if names:
                    return accepted(names)
                try:
                    plan = await self._plan(caller, command.plan, body)
                except MergeBlocked as blocked:
                    self._metrics.problem(blocked.status, blocked.reason)
                    against = explanations.obstacles_view(blocked.against, blocked.profiles)
                    return problem(blocked.status, blocked.reason, blocked.detail, more={"against": against})
                if dry_run:
                    events = self._decisions.stamp(request_id, plan.drafts)
                    return await self._preview(caller, plan, [event.raw for event in events])
                return accepted(await self._decisions.append(request_id, plan.drafts))

            return await within(answer(), "store or log")

        return handle

    async def _plan(self, caller: Caller, planner: Planner, body: bodies.RequestBody) -> DecisionPlan:
        """Plan a decision. Wait for one that this process appended just now: its author may withdraw it at once."""
        clock = asyncio.get_running_loop().time
        until = clock() + min(_OWN_DECISION_SECONDS, DEADLINE_SECONDS)
        while True:
            try:
                async with self._store.reading() as tx:
                    return await planner(tx, caller.tenant, caller.tenancy, body)
            except Refused as refused:
                ours = isinstance(body, bodies.Unmerge) and self._is_recent(caller.tenant, body.decision)
                if refused.reason != "unknown-decision" or not ours or clock() > until:
                    raise
            await asyncio.sleep(0.02)

    def _is_recent(self, tenant: str, decision: str | None) -> bool:
        source, _, id = (decision or "").partition("#")
        return self._decisions.is_recent(tenant, EventName(source, id))

    async def _preview(self, caller: Caller, plan: DecisionPlan, raws: Sequence[bytes]) -> Response:
        if plan.concerns_all:
            raise Refused("no-dry-run", "Withdrawing this concerns all customers; there is no preview of it.")
        tenant, tenancy, _ = caller
        decided = preview.decode_decisions(raws, tenancy.ids)
        async with self._turns.heavy.turn(tenant), self._store.reading() as tx:
            found = await preview.preview_contexts(tx, tenant, tenancy, decided, plan.profiles, plan.nodes)
        contexts = [{"customer": body["customer"]["id"], "body": body} for body in found]
        return json_response({"dry_run": True, "contexts": contexts})

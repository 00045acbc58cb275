"""Requests to questions and answers. Plain routes: a framework's own parsing costs more than reading a context does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.finish import Json
from cx_context.store import Store, reader
from cx_context.store.moments import Moment, Then
from cx_context.store.sql import Tx
from cx_context_api.contexts.current import Ambiguous, Contexts, Served, document, meta_of
from cx_context_api.contexts.lineages import Lineages, path_of
from cx_context_api.contexts.past import FIELDS, SECONDS, Past, customer_then, meta_then, moment_of, span_of, then_in
from cx_context_api.conversations import acts, handoffs, histories
from cx_context_api.conversations.vcons import Vcons
from cx_context_api.decisions import Decisions, asking
from cx_context_api.identity import doubts, explanations, judgements, suppositions
from cx_context_api.identity.judgements import Verdict
from cx_context_api.identity.whatif import WhatIf
from cx_context_api.requests import bodies
from cx_context_api.requests.answers import admitted
from cx_context_api.requests.answers import body_of as _body
from cx_context_api.requests.answers import json_of as _json
from cx_context_api.requests.answers import route as _route
from cx_context_api.requests.answers import taken as _taken
from cx_context_api.requests.cursors import Node, cursor_of, place_of
from cx_context_api.requests.patience import PATIENCE, within
from cx_context_api.requests.queries import EventName, Query
from cx_context_api.requests.targets import ByInteraction, Target, by_id, by_identifier, read_identifier
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_identity.attribution import Attribution
from cx_identity.facts import decision_of
from cx_identity.model import Decision
from cx_runtime.http import caller
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem
from cx_runtime.rates import Rates
from cx_runtime.tenants import Scope, Tenants
from cx_vcon.reading import MEDIA_TYPE

_READING = ("at_least", "wait", "as_of", "known_at")
_PAGING = ("cursor", "limit")
_CANDIDATES = "candidates"
_OWN_DECISION_SECONDS = 1.5

Judge = Callable[[Tx, str, Tenancy, Any], Awaitable[Verdict]]


class Judged(NamedTuple):
    """A decision about identity: what the body says, and what it comes to."""

    shape: type[bodies.Asked]
    judge: Judge


JUDGED: Mapping[str, Judged] = {
    "merge": Judged(bodies.Merge, judgements.merge),
    "unmerge": Judged(bodies.Unmerge, judgements.unmerge),
    "attribute": Judged(bodies.Attribute, judgements.attribute),
    "dismiss": Judged(bodies.Dismiss, judgements.dismiss),
}


class Routes:
    """The handlers, over the parts that ``app`` puts together."""

    def __init__(
        self,
        store: Store,
        tenants: Tenants,
        tenancies: Mapping[str, Tenancy],
        contexts: Contexts,
        past: Past,
        lineages: Lineages,
        decisions: Decisions,
        metrics: Metrics,
        rates: Rates,
        vcons: Vcons,
        whatif: WhatIf,
    ) -> None:
        self._vcons = vcons
        self._whatif = whatif
        self._rates = rates
        self._store = store
        self._tenants = tenants
        self._tenancies = tenancies
        self._contexts = contexts
        self._past = past
        self._lineages = lineages
        self._decisions = decisions
        self._metrics = metrics

    def all(self) -> list[Route]:
        """What is read most stands first."""
        found = [
            _route("GET", "/v1/context", self.context),
            _route("GET", "/v1/customers/{id}/context", self.customer_context),
            _route("POST", "/v1/context/lookup", self.lookup),
            _route("GET", "/v1/customers/{id}/timeline", self.timeline),
            _route("GET", "/v1/customers/{id}/conversations", self.conversations),
            _route("GET", "/v1/customers/{id}/identity", self.identity),
            _route("GET", "/v1/customers/{id}/lineage", self.lineage),
            _route("GET", "/v1/customers/{id}/diff", self.diff),
            _route("GET", "/v1/conversations/{id}", self.conversation),
            _route("GET", "/v1/conversations/{id}/vcon", self.vcon),
            _route("GET", "/v1/conversations/{id}/handoff", self.handoff),
            _route("GET", "/v1/identity/candidates", self.candidates),
        ]
        found += [_route("POST", f"/v1/conversations/{{id}}/{name}", self._act(name)) for name in acts.ACTS]
        found += [_route("POST", "/v1/identity/whatif", self.whatif)]
        found += [_route("POST", f"/v1/identity/{name}", self._judge(name)) for name in JUDGED]
        return found

    async def context(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, ("identifier", "interaction", "scope", *_READING))
        target = self._target(tenant, query.text("identifier"), query.text("interaction"), query.text("scope") or "")
        return await self._context(request, tenant, target, query)

    async def lookup(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, _READING)
        body = await _body(request, bodies.Lookup)
        identifier = body.identifier
        if isinstance(identifier, bodies.AskedIdentifier):
            if body.interaction is not None or body.scope:
                raise Refused("bad-body", "beside an identifier in members neither interaction nor scope can stand")
            tenancy = self._tenancies[tenant]
            target: Target = by_identifier(
                identifier.kind, identifier.value, identifier.scope, tenancy.ids, tenancy.regions
            )
        else:
            target = self._target(tenant, identifier, body.interaction, body.scope)
        return await self._context(request, tenant, target, query)

    async def customer_context(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, _READING)
        return await self._context(request, tenant, by_id(request.path_params["id"]), query)

    def _target(self, tenant: str, identifier: str | None, interaction: str | None, scope: str) -> Target:
        if (identifier is None) == (interaction is None):
            raise Refused("bad-query", "say one of the two: identifier=KIND:VALUE, or interaction=ID", 400)
        if identifier is not None:
            tenancy = self._tenancies[tenant]
            return by_identifier(*read_identifier(identifier), scope, tenancy.ids, tenancy.regions)
        if scope:
            raise Refused("bad-query", "scope goes with identifier", 400)
        assert interaction is not None
        return ByInteraction(interaction)

    async def _context(self, request: Request, tenant: str, target: Target, query: Query) -> Response:
        moment = moment_of(query)
        at_least, wait = query.at_least(), query.wait()
        try:
            if moment is None:
                return _current(request, await self._contexts.read(tenant, target, at_least, wait))
            if at_least or query.text("wait") is not None:
                raise Refused("bad-query", "at_least and wait ask for today; as_of and known_at for the past", 400)
            then = await self._past.read(self._tenancies[tenant], target, moment)
        except Ambiguous as ambiguous:
            return await self._ambiguous(tenant, ambiguous, moment)
        return Response(document(msgspec.json.encode(meta_then(moment)), then.body), media_type="application/json")

    async def _ambiguous(self, tenant: str, ambiguous: Ambiguous, moment: Moment | None) -> Response:
        if moment is None:
            more = await self._contexts.candidates(tenant, ambiguous)
        else:
            more = await self._past.candidates(self._tenancies[tenant], ambiguous, moment)
        what = "interaction" if isinstance(ambiguous.asked, ByInteraction) else "identifier"
        reason = f"ambiguous-{what}"
        self._metrics.problem(409, reason)
        detail = f"several people may be meant by this {what}; candidates lists them"
        return problem(409, reason, detail, more=more)

    async def timeline(self, request: Request) -> Response:
        return await self._paged(request, histories.timeline)

    async def conversations(self, request: Request) -> Response:
        return await self._paged(request, histories.conversations)

    async def _paged(
        self,
        request: Request,
        page: Callable[[Tx, Tenancy, NodeId, str | None, int, Then | None], Awaitable[histories.Page]],
    ) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, (*_PAGING, *FIELDS))
        cursor, limit, moment = query.text("cursor"), query.limit(), moment_of(query)
        node = by_id(request.path_params["id"]).node
        tenancy = self._tenancies[tenant]

        async def read() -> Response:
            async with self._store.reading() as tx:
                then = then_in(tx, tenancy, moment) if moment is not None else None
                customer, meta = await _whose(tx, tenant, node, then)
                items, following = await page(tx, tenancy, customer, cursor, limit, then)
            return _json({"meta": meta, "customer": text_of(customer), "items": items, "next": following})

        return await within(read(), seconds=PATIENCE if moment is None else SECONDS)

    async def identity(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        moment = moment_of(self._query(request, FIELDS))
        node = by_id(request.path_params["id"]).node
        tenancy = self._tenancies[tenant]

        async def read() -> Response:
            async with self._store.reading() as tx:
                then = then_in(tx, tenancy, moment) if moment is not None else None
                customer, meta = await _whose(tx, tenant, node, then)
                if then is None:
                    told = await explanations.explanation(tx, tenant, tenancy, customer)
                else:
                    told = await explanations.explanation_then(tx, then, customer)
            return _json({"meta": meta, **told})

        return await within(read(), seconds=PATIENCE if moment is None else SECONDS)

    async def lineage(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, ("path", *_PAGING, *FIELDS))
        path, moment = path_of(query.text("path")), moment_of(query)
        cursor, limit = query.text("cursor"), query.limit()
        node = by_id(request.path_params["id"]).node
        return _json(await self._lineages.lineage(self._tenancies[tenant], node, path, moment, cursor, limit))

    async def diff(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        one, other = span_of(self._query(request, ("from", "to", "by")))
        node = by_id(request.path_params["id"]).node
        return _json(await self._lineages.diff(self._tenancies[tenant], node, one, other))

    async def candidates(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, _PAGING)
        cursor, limit = query.text("cursor"), query.limit()
        after: NodeId | None = place_of(cursor, _CANDIDATES, Node) if cursor is not None else None

        async def read() -> Response:
            async with self._store.reading() as tx:
                items, place = await doubts.candidates(tx, tenant, self._tenancies[tenant], after, limit)
            return _json({"items": items, "next": cursor_of(_CANDIDATES, place) if place is not None else None})

        return await within(read())

    async def whatif(self, request: Request) -> Response:
        tenant = self._caller(request, "identity:write")
        caller(request.headers, self._tenants, "context:read")
        self._query(request, ())
        body = await _body(request, bodies.WhatIf)
        return _json(await self._whatif.tried(tenant, self._tenancies[tenant], body))

    async def conversation(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, (*_PAGING, *FIELDS))
        cursor, limit, moment = query.text("cursor"), query.limit(), moment_of(query)
        anchor = by_id(request.path_params["id"]).node
        tenancy = self._tenancies[tenant]

        async def read() -> Response:
            async with self._store.reading() as tx:
                then = then_in(tx, tenancy, moment) if moment is not None else None
                found = await histories.find_thread(tx, tenant, tenancy, anchor, then)
                items, following = await histories.thread_page(tx, tenancy, found, cursor, limit, then)
                today = meta_of(found.version, await reader.current_to(tx))
                meta = today if moment is None else meta_then(moment)
            summary = histories.summary(found)
            return _json({
                "meta": meta,
                "customer": text_of(found.customer),
                "conversation": summary,
                "items": items,
                "next": following,
            })  # fmt: skip

        return await within(read(), seconds=PATIENCE if moment is None else SECONDS)

    async def vcon(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        syntax = self._query(request, ("syntax",)).text("syntax")
        return Response(await self._vcons.read(tenant, request.path_params["id"], syntax), media_type=MEDIA_TYPE)

    async def handoff(self, request: Request) -> Response:
        tenant = self._caller(request, "context:read")
        query = self._query(request, _PAGING)
        cursor, limit = query.text("cursor"), query.limit()
        anchor = by_id(request.path_params["id"]).node
        tenancy = self._tenancies[tenant]

        async def read() -> Response:
            async with self._store.reading() as tx:
                found = await histories.find_thread(tx, tenant, tenancy, anchor)
                packet = await handoffs.packet_of(tx, tenancy, found, cursor, limit)
                meta = meta_of(found.version, await reader.current_to(tx))
            conversation = text_of(found.conversation.id)
            return _json({"meta": meta, "customer": text_of(found.customer), "conversation": conversation, **packet})

        return await within(read())

    def _act(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        act = acts.ACTS[name]

        async def handle(request: Request) -> Response:
            tenant = self._caller(request, "conversations:write")
            self._query(request, ())
            body = await _body(request, act.shape)
            id = request.path_params["id"]
            asked = asking(
                tenant, request.headers.get("idempotency-key"), bodies.digest_of(f"conversations/{id}/{name}", body)
            )

            async def answer() -> Response:
                names = await self._decisions.taken(asked)
                async with self._store.reading() as tx:
                    tenancy = self._tenancies[tenant]
                    if names:
                        found = await histories.find_thread(tx, tenant, tenancy, by_id(id).node)
                    else:
                        found, choice = await acts.choose(tx, tenant, tenancy, id, act, body)
                if not names:
                    names = await self._decisions.take(asked, [choice])
                    if isinstance(body, bodies.Shown):
                        self._metrics.context_shown(before_answer=acts.shown_in_time(found, body))
                conversation = text_of(found.conversation.id)
                return _taken(names, customer=text_of(found.customer), conversation=conversation)

            return await within(answer(), "store or log")

        return handle

    def _judge(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        judged = JUDGED[name]

        async def handle(request: Request) -> Response:
            tenant = self._caller(request, "identity:write")
            dry_run = self._query(request, ("dry_run",)).flag("dry_run")
            if dry_run:
                caller(request.headers, self._tenants, "context:read")
            body = await _body(request, judged.shape)
            key = None if dry_run else request.headers.get("idempotency-key")
            asked = asking(tenant, key, bodies.digest_of(f"identity/{name}", body))

            async def answer() -> Response:
                names = await self._decisions.taken(asked)
                if names:
                    return _taken(names)
                try:
                    verdict = await self._verdict(tenant, judged.judge, body)
                except judgements.Hindered as hindered:
                    self._metrics.problem(hindered.status, hindered.reason)
                    against = explanations.obstacles_view(hindered.against, hindered.profiles)
                    return problem(hindered.status, hindered.reason, hindered.detail, more={"against": against})
                if dry_run:
                    events = self._decisions.drafted(asked, verdict.choices)
                    return await self._outcome(tenant, verdict, [event.raw for event in events])
                return _taken(await self._decisions.take(asked, verdict.choices))

            return await within(answer(), "store or log")

        return handle

    async def _verdict(self, tenant: str, judge: Judge, body: bodies.Asked) -> Verdict:
        """A decision that we took ourselves a moment ago is waited for: who took it may well think again."""
        clock = asyncio.get_running_loop().time
        until = clock() + min(_OWN_DECISION_SECONDS, PATIENCE)
        while True:
            try:
                async with self._store.reading() as tx:
                    return await judge(tx, tenant, self._tenancies[tenant], body)
            except Refused as refused:
                ours = isinstance(body, bodies.Unmerge) and self._took(tenant, body.decision)
                if refused.reason != "unknown-decision" or not ours or clock() > until:
                    raise
            await asyncio.sleep(0.02)

    def _took(self, tenant: str, decision: str | None) -> bool:
        source, _, id = (decision or "").partition("#")
        return self._decisions.took(tenant, EventName(source, id))

    async def _outcome(self, tenant: str, verdict: Verdict, raws: list[bytes]) -> Response:
        if verdict.whole:
            raise Refused("no-dry-run", "withdrawing this concerns who is who at large; it can't be tried beforehand")
        tenancy = self._tenancies[tenant]
        decided: list[Decision | Attribution] = []
        for raw in raws:
            decision = decision_of(Fact(decode(raw), raw, tenancy.ids), tenancy.ids)
            assert isinstance(decision, Decision | Attribution)
            decided.append(decision)
        async with self._store.reading() as tx:
            found = await suppositions.outcome(tx, tenant, tenancy, decided, verdict.profiles, verdict.nodes)
        contexts = [{"customer": body["customer"]["id"], "body": body} for body in found]
        return _json({"dry_run": True, "contexts": contexts})

    def _caller(self, request: Request, scope: Scope) -> str:
        return admitted(request, self._tenants, self._rates, scope).tenant

    @staticmethod
    def _query(request: Request, allowed: tuple[str, ...]) -> Query:
        return Query(request.scope["query_string"], allowed, ("at_least",))


async def _whose(tx: Tx, tenant: str, node: NodeId, then: Then | None) -> tuple[NodeId, Json]:
    """Whose an id is, or was then, and what stands beside the answer."""
    if then is not None:
        return await customer_then(then, node), meta_then(then.moment)
    found = await _customer(tx, tenant, node)
    return found.customer, meta_of(found.version, await reader.current_to(tx))


async def _customer(tx: Tx, tenant: str, node: NodeId) -> reader.Found:
    found = await reader.find_node(tx, tenant, node)
    if found is None:
        raise Refused("unknown-customer", f"there is no customer {text_of(node)} here (yet)", 404)
    return found


def _current(request: Request, served: Served) -> Response:
    """``meta`` and the body's bytes as they are; 304 to who has them."""
    tag = f'"{text_of(served.customer)}-{served.version}"'
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "authorization"}
    known = request.headers.get("if-none-match")
    if known is not None and request.method in ("GET", "HEAD") and _matches(known, tag):
        return Response(status_code=304, headers=headers)
    meta = msgspec.json.encode(meta_of(served.version, served.moved_at))
    return Response(document(meta, served.body), headers=headers, media_type="application/json")


def _matches(given: str, tag: str) -> bool:
    """Weak comparison (RFC 9110, section 13.1.2)."""
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return tag in tags or "*" in tags

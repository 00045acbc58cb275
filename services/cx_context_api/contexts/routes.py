"""Handle requests for a customer's context.

The routes are plain: a framework's parsing would cost more than reading a cached context.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store.time_bounds import TimeBounds
from cx_context_api.contexts.ambiguity import AmbiguousTarget
from cx_context_api.contexts.as_of import PastContexts
from cx_context_api.contexts.body_cache import digest_of
from cx_context_api.contexts.contact_assurance import ContactQuery, InsufficientAssurance, read_contact_query
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.contexts.diffs import Diffs
from cx_context_api.contexts.lineages import Lineages, read_path
from cx_context_api.contexts.rendered import RenderedContext
from cx_context_api.decisions import Clock
from cx_context_api.reads.meta import context_document, current_meta, past_meta
from cx_context_api.reads.responses import answer_in_process
from cx_context_api.reads.time_bounds import FIELDS, read_time_bounds, read_time_span
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.queries import PAGING, Query
from cx_context_api.requests.responses import (
    JsonBytesResponse,
    etag_matches,
    json_response,
    read_query,
    read_request_body,
    route,
)
from cx_context_api.requests.targets import ByInteraction, Target, by_id, by_identifier, read_identifier
from cx_events.errors import Refused
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem

_READ_FIELDS = ("at_least", "wait", *FIELDS)


class ContextRoutes:
    """Handles requests for contexts, lineages and diffs."""

    def __init__(
        self,
        admission: Admission,
        contexts: CurrentContexts,
        contact_contexts: ContactContexts,
        past: PastContexts,
        lineages: Lineages,
        diffs: Diffs,
        metrics: Metrics,
        now: Clock,
        turns: ReadTurns,
    ) -> None:
        self._admission = admission
        self._contexts = contexts
        self._contact_contexts = contact_contexts
        self._past = past
        self._lineages = lineages
        self._diffs = diffs
        self._metrics = metrics
        self._now = now
        self._turns = turns

    def fast(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Return the GET handlers by path that the app's fast routes call."""
        return {"/v1/context": self.context, "/v1/customers/{id}/context": self.customer_context}

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            *(route("GET", path, handler) for path, handler in self.fast().items()),
            route("POST", "/v1/context/lookup", self.lookup),
            route("GET", "/v1/customers/{id}/lineage", self.lineage),
            route("GET", "/v1/customers/{id}/diff", self.diff),
        ]

    async def context(self, request: Request) -> Response:
        """Answer with the context of an identifier or of an interaction."""
        caller, required = self._admission.admit_contact_reader(request.headers)
        query = read_query(request, "identifier", "interaction", "scope", "assurance", *_READ_FIELDS)
        interaction = query.text("interaction")
        target = _read_target(caller, query.text("identifier"), interaction, query.text("scope") or "")
        return await self._answer(request, caller, target, query, read_contact_query(query, required, interaction))

    async def customer_context(self, request: Request) -> Response:
        """Answer with the context of a customer by id."""
        caller, required = self._admission.admit_contact_reader(request.headers)
        query = read_query(request, "interaction", "assurance", *_READ_FIELDS)
        contact_query = read_contact_query(query, required, query.text("interaction"))
        return await self._answer(request, caller, by_id(request.path_params["id"]), query, contact_query)

    async def lookup(self, request: Request) -> Response:
        """Answer as ``context`` does; the target is in the body."""
        caller, required = self._admission.admit_contact_reader(request.headers)
        query = read_query(request, "assurance", *_READ_FIELDS)
        body = await read_request_body(request, bodies.Lookup)
        target = _read_lookup(caller, body)
        contact_query = read_contact_query(query, required, body.interaction, body.assurance)
        return await self._answer(request, caller, target, query, contact_query)

    async def lineage(self, request: Request) -> Response:
        """Answer with the events and the rule behind a value."""
        caller = self._admission.admit(request.headers, "context:read")
        query = read_query(request, "path", *PAGING, *FIELDS)
        path, bounds = read_path(query.text("path")), read_time_bounds(query, self._now)
        cursor, limit = query.text("cursor"), query.limit()
        node = by_id(request.path_params["id"]).node
        response = await answer_in_process(self._turns, caller.tenant, request)
        if response is not None:
            return response
        return json_response(await self._lineages.lineage(caller.tenancy, node, path, bounds, cursor, limit))

    async def diff(self, request: Request) -> Response:
        """Answer with what changed between two moments."""
        caller = self._admission.admit(request.headers, "context:read")
        start, end = read_time_span(read_query(request, "from", "to", "by"), self._now)
        node = by_id(request.path_params["id"]).node
        response = await answer_in_process(self._turns, caller.tenant, request)
        if response is not None:
            return response
        return json_response(await self._diffs.diff(caller.tenancy, node, start, end))

    async def _answer(
        self, request: Request, caller: Caller, target: Target, query: Query, contact_query: ContactQuery | None
    ) -> Response:
        """Answer with a context. The contact is checked before the ETag: a 304 confirms that one had the body."""
        bounds = read_time_bounds(query, self._now)
        try:
            if bounds is None:
                return await self._answer_current(request, caller, target, query, contact_query)
            return await self._answer_past(request, caller, target, query, bounds, contact_query)
        except AmbiguousTarget as ambiguous:
            return await self._answer_ambiguous(caller, ambiguous, bounds, contact_query)
        except InsufficientAssurance as refused:
            self._metrics.problem(refused.status, refused.reason)
            more = {"contact": refused.contact, "conversation": refused.conversation}
            return problem(refused.status, refused.reason, refused.detail, more=more)

    async def _answer_current(
        self, request: Request, caller: Caller, target: Target, query: Query, contact_query: ContactQuery | None
    ) -> Response:
        """Answer with today's context.

        The ETag names the body's bytes, so that it is unique over stores and releases, and the contact with its level,
        which the clock alone may change.
        """
        at_least, wait = query.at_least(), query.wait()
        contact: Json | None = None
        if contact_query is None:
            context = await self._contexts.read(caller.tenant, target, at_least, wait)
        else:
            entry = await self._contexts.find(caller.tenant, target, at_least, wait)
            context, contact = await self._contact_contexts.read(caller.tenant, target, entry, contact_query)
        etag = f'"{text_of(context.customer)}-{context.version}-{context.digest}{_contact_tag(contact_query, contact)}"'
        meta = current_meta(context.version, context.moved_at)
        return _not_modified(request, etag) or _context_response(etag, meta, contact, context)

    async def _answer_past(
        self,
        request: Request,
        caller: Caller,
        target: Target,
        query: Query,
        bounds: TimeBounds,
        contact_query: ContactQuery | None,
    ) -> Response:
        at_least, _ = query.at_least(), query.wait()  # malformed values are refused as such
        if at_least or query.text("wait") is not None:
            raise Refused("bad-query", "at_least and wait are for today; as_of and known_at are for the past.", 400)
        response = await answer_in_process(self._turns, caller.tenant, request) if request.method == "GET" else None
        if response is not None:
            return response
        context, contact = await self._past.read(caller.tenancy, target, bounds, contact_query)
        etag = f'"{text_of(context.customer)}-{context.digest}{_contact_tag(contact_query, contact)}"'
        return _not_modified(request, etag) or _context_response(etag, past_meta(bounds), contact, context)

    async def _answer_ambiguous(
        self,
        caller: Caller,
        ambiguous: AmbiguousTarget,
        bounds: TimeBounds | None,
        contact_query: ContactQuery | None,
    ) -> Response:
        """Answer 409 with who may be meant. An assured read lists nobody: claims alone may tie those customers."""
        assured = contact_query is not None and contact_query.level is not None
        if assured:
            more: Json = {}
        elif bounds is None:
            more = await self._contexts.possible_customers(caller.tenant, ambiguous)
        else:
            more = await self._past.possible_customers(caller.tenancy, ambiguous, bounds)
        what = "interaction" if isinstance(ambiguous.target, ByInteraction) else "identifier"
        reason = f"ambiguous-{what}"
        self._metrics.problem(409, reason)
        detail = f"Several people may be meant by this {what}" + ("." if assured else "; candidates lists them.")
        return problem(409, reason, detail, more=more)


def _read_target(caller: Caller, identifier: str | None, interaction: str | None, scope: str) -> Target:
    if (identifier is None) == (interaction is None):
        raise Refused("bad-query", "Give either identifier=KIND:VALUE or interaction=ID.", 400)
    if identifier is not None:
        tenancy = caller.tenancy
        return by_identifier(*read_identifier(identifier), scope, tenancy.ids, tenancy.regions, tenancy.junk)
    if scope:
        raise Refused("bad-query", "scope needs an identifier.", 400)
    assert interaction is not None
    return ByInteraction(interaction)


def _read_lookup(caller: Caller, body: bodies.Lookup) -> Target:
    identifier = body.identifier
    if not isinstance(identifier, bodies.AskedIdentifier):
        return _read_target(caller, identifier, body.interaction, body.scope)
    if body.interaction is not None or body.scope:
        raise Refused("bad-body", "When `identifier` is an object, omit `interaction` and `scope`.")
    tenancy = caller.tenancy
    return by_identifier(
        identifier.kind, identifier.value, identifier.scope, tenancy.ids, tenancy.regions, tenancy.junk
    )


def _contact_tag(query: ContactQuery | None, contact: Json | None) -> str:
    return f"-{digest_of(msgspec.json.encode((query, contact)))}" if query is not None else ""


def _not_modified(request: Request, etag: str) -> Response | None:
    """Return 304 if the client has the body of this ETag, else None."""
    known = request.headers.get("if-none-match")
    if known is not None and request.method in ("GET", "HEAD") and etag_matches(known, etag):
        return Response(status_code=304, headers={"etag": etag, **_CACHING})
    return None


def _context_response(etag: str, meta: Json, contact: Json | None, context: RenderedContext) -> Response:
    """Return ``meta`` and the body's bytes as they are."""
    if contact is not None:
        meta = {**meta, "contact": contact}
    content = context_document(msgspec.json.encode(meta), context.body)
    return JsonBytesResponse(content, [(b"etag", etag.encode()), *_CACHING_BYTES])


_CACHING = {"cache-control": "private, no-cache", "vary": "authorization"}
_CACHING_BYTES = [(name.encode(), value.encode()) for name, value in _CACHING.items()]

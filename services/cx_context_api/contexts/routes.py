"""Requests for a customer's context. Plain routes: a framework's own parsing costs more than reading a context does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store.as_of import TimeBounds
from cx_context_api.contexts.ambiguity import AmbiguousTarget
from cx_context_api.contexts.as_of import PastContexts
from cx_context_api.contexts.body_cache import digest_of
from cx_context_api.contexts.contact_assurance import ContactQuery, InsufficientAssurance, read_contact_query
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts, RenderedContext
from cx_context_api.contexts.lineages import Lineages, path_of
from cx_context_api.decisions import Clock
from cx_context_api.reads.meta import context_document, current_meta, past_meta
from cx_context_api.reads.processes import answered
from cx_context_api.reads.time_bounds import FIELDS, read_time_bounds, read_time_span
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.queries import PAGING, Query
from cx_context_api.requests.responses import (
    JsonBytesResponse,
    json_response,
    matches,
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

_READING = ("at_least", "wait", *FIELDS)


class ContextRoutes:
    """The handlers, over the parts that ``app`` puts together."""

    def __init__(
        self,
        admission: Admission,
        contexts: CurrentContexts,
        at_hand: ContactContexts,
        past: PastContexts,
        lineages: Lineages,
        metrics: Metrics,
        now: Clock,
        reading: ReadTurns,
    ) -> None:
        self._reading = reading
        self._admission = admission
        self._contexts = contexts
        self._at_hand = at_hand
        self._past = past
        self._lineages = lineages
        self._metrics = metrics
        self._now = now

    def read_most(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Return the handlers of GET by path, for the app's fast routes."""
        return {"/v1/context": self.context, "/v1/customers/{id}/context": self.customer_context}

    def all(self) -> list[Route]:
        return [
            *(route("GET", path, handler) for path, handler in self.read_most().items()),
            route("POST", "/v1/context/lookup", self.lookup),
            route("GET", "/v1/customers/{id}/lineage", self.lineage),
            route("GET", "/v1/customers/{id}/diff", self.diff),
        ]

    async def context(self, request: Request) -> Response:
        asker = self._admission.admit(request.headers, "context:read")
        query = read_query(request, "identifier", "interaction", "scope", "assurance", *_READING)
        target = _target(asker, query.text("identifier"), query.text("interaction"), query.text("scope") or "")
        return await self._context(request, asker, target, query, read_contact_query(query, query.text("interaction")))

    async def customer_context(self, request: Request) -> Response:
        asker = self._admission.admit(request.headers, "context:read")
        query = read_query(request, "interaction", "assurance", *_READING)
        asked = read_contact_query(query, query.text("interaction"))
        return await self._context(request, asker, by_id(request.path_params["id"]), query, asked)

    async def lookup(self, request: Request) -> Response:
        asker = self._admission.admit(request.headers, "context:read")
        query = read_query(request, "assurance", *_READING)
        body = await read_request_body(request, bodies.Lookup)
        target = _looked_up(asker, body)
        return await self._context(
            request, asker, target, query, read_contact_query(query, body.interaction, body.assurance)
        )

    async def lineage(self, request: Request) -> Response:
        asker = self._admission.admit(request.headers, "context:read")
        query = read_query(request, "path", *PAGING, *FIELDS)
        path, moment = path_of(query.text("path")), read_time_bounds(query, self._now)
        cursor, limit = query.text("cursor"), query.limit()
        node = by_id(request.path_params["id"]).node
        there = await answered(self._reading, asker.tenant, request)
        if there is not None:
            return there
        return json_response(await self._lineages.lineage(asker.tenancy, node, path, moment, cursor, limit))

    async def diff(self, request: Request) -> Response:
        asker = self._admission.admit(request.headers, "context:read")
        one, other = read_time_span(read_query(request, "from", "to", "by"), self._now)
        node = by_id(request.path_params["id"]).node
        there = await answered(self._reading, asker.tenant, request)
        if there is not None:
            return there
        return json_response(await self._lineages.diff(asker.tenancy, node, one, other))

    async def _context(
        self, request: Request, asker: Caller, target: Target, query: Query, asked: ContactQuery | None
    ) -> Response:
        """Whether the contact is sure enough is told before any tag is compared: 304 says that one had it before."""
        moment = read_time_bounds(query, self._now)
        at_least, wait = query.at_least(), query.wait()
        try:
            if moment is None:
                if asked is None:
                    return _current(request, await self._contexts.read(asker.tenant, target, at_least, wait))
                head = await self._contexts.head(asker.tenant, target, at_least, wait)
                served, contact = await self._at_hand.read(asker.tenant, target, head, asked)
                return _current(request, served, asked, contact)
            if at_least or query.text("wait") is not None:
                raise Refused("bad-query", "at_least and wait ask for today; as_of and known_at for the past", 400)
            there = await answered(self._reading, asker.tenant, request) if request.method == "GET" else None
            if there is not None:
                return there
            then, found = await self._past.read(asker.tenancy, target, moment, asked)
        except AmbiguousTarget as ambiguous:
            return await self._ambiguous(asker, ambiguous, moment, asked)
        except InsufficientAssurance as refused:
            self._metrics.problem(refused.status, refused.reason)
            return problem(refused.status, refused.reason, refused.detail, more={"contact": refused.contact})
        tag = f'"{text_of(then.customer)}-{then.digest}{_contact_tag(asked, found)}"'
        return _unchanged(request, tag) or _told(tag, {**past_meta(moment), **_contact(found)}, then.body)

    async def _ambiguous(
        self, asker: Caller, ambiguous: AmbiguousTarget, moment: TimeBounds | None, asked: ContactQuery | None
    ) -> Response:
        """An assured read is told no candidates: their names are for who may see whom a claim alone ties."""
        assured = asked is not None and asked.level is not None
        if assured:
            more: Json = {}
        elif moment is None:
            more = await self._contexts.candidates(asker.tenant, ambiguous)
        else:
            more = await self._past.candidates(asker.tenancy, ambiguous, moment)
        what = "interaction" if isinstance(ambiguous.asked, ByInteraction) else "identifier"
        reason = f"ambiguous-{what}"
        self._metrics.problem(409, reason)
        detail = f"several people may be meant by this {what}" + ("" if assured else "; candidates lists them")
        return problem(409, reason, detail, more=more)


def _target(asker: Caller, identifier: str | None, interaction: str | None, scope: str) -> Target:
    if (identifier is None) == (interaction is None):
        raise Refused("bad-query", "say one of the two: identifier=KIND:VALUE, or interaction=ID", 400)
    if identifier is not None:
        tenancy = asker.tenancy
        return by_identifier(*read_identifier(identifier), scope, tenancy.ids, tenancy.regions, tenancy.junk)
    if scope:
        raise Refused("bad-query", "scope goes with identifier", 400)
    assert interaction is not None
    return ByInteraction(interaction)


def _looked_up(asker: Caller, body: bodies.Lookup) -> Target:
    identifier = body.identifier
    if not isinstance(identifier, bodies.AskedIdentifier):
        return _target(asker, identifier, body.interaction, body.scope)
    if body.interaction is not None or body.scope:
        raise Refused("bad-body", "beside an identifier in members neither interaction nor scope can stand")
    tenancy = asker.tenancy
    return by_identifier(
        identifier.kind, identifier.value, identifier.scope, tenancy.ids, tenancy.regions, tenancy.junk
    )


def _current(
    request: Request, served: RenderedContext, asked: ContactQuery | None = None, contact: Json | None = None
) -> Response:
    """A context of today. Its tag names the body's bytes, too: no two of them share one, whichever store or release
    they come from; and the contact with its level, which a clock alone may change."""
    tag = f'"{text_of(served.customer)}-{served.version}-{served.digest}{_contact_tag(asked, contact)}"'
    meta = current_meta(served.version, served.moved_at)
    return _unchanged(request, tag) or _told(tag, {**meta, **_contact(contact)}, served.body)


def _contact(contact: Json | None) -> Json:
    return {"contact": contact} if contact is not None else {}


def _contact_tag(asked: ContactQuery | None, contact: Json | None) -> str:
    return f"-{digest_of(msgspec.json.encode((asked, contact)))}" if asked is not None else ""


def _unchanged(request: Request, tag: str) -> Response | None:
    """Return 304 to who has the body of this tag, None to others."""
    known = request.headers.get("if-none-match")
    if known is not None and request.method in ("GET", "HEAD") and matches(known, tag):
        return Response(status_code=304, headers={"etag": tag, **_CACHING})
    return None


def _told(tag: str, meta: Json, body: bytes) -> Response:
    """Return ``meta`` and the body's bytes as they are."""
    return JsonBytesResponse(
        context_document(msgspec.json.encode(meta), body), [(b"etag", tag.encode()), *_CACHING_BYTES]
    )


_CACHING = {"cache-control": "private, no-cache", "vary": "authorization"}
_CACHING_BYTES = [(name.encode(), value.encode()) for name, value in _CACHING.items()]

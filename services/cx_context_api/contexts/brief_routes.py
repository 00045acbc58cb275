"""Handle requests for briefs: what a telephone menu or a bot needs of a context, in one short answer.

A brief is never refused for who is in the contact: a flow that is refused takes the way on which everything is broken.
It leaves out instead, and tells the level.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store.customer_index import CustomerEntry
from cx_context_api.contexts.ambiguity import AmbiguousTarget
from cx_context_api.contexts.brief import empty_brief, route_of, words_to_say
from cx_context_api.contexts.contact_assurance import ContactQuery, InsufficientAssurance, Level, read_contact_query
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.contexts.rendered import RenderedContext
from cx_context_api.reads.meta import current_meta
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.queries import EventName, Query
from cx_context_api.requests.responses import json_response, read_query, read_request_body, route
from cx_context_api.requests.targets import ByInteraction, Target, by_identifier, read_identifier
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.weights import CLAIMED

_WAITING = ("at_least", "wait")


class _Asked(NamedTuple):
    """``interaction``: empty if the caller alone is known. ``identifier``: who calls, until the contact is known.

    ``required``: the least level that the key asks for.
    """

    caller: Caller
    interaction: str
    identifier: Target | None
    required: Level | None
    at_least: list[EventName]
    wait: float


class BriefRoutes:
    """Handles requests for briefs."""

    def __init__(self, admission: Admission, contexts: CurrentContexts, contact_contexts: ContactContexts) -> None:
        self._admission = admission
        self._contexts = contexts
        self._contact_contexts = contact_contexts

    def fast(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Return the GET handler by path that the app's fast routes call."""
        return {"/v1/context/brief": self.brief}

    def all(self) -> list[Route]:
        """Return all routes."""
        return [route("GET", "/v1/context/brief", self.brief), route("POST", "/v1/context/brief", self.brief_lookup)]

    async def brief(self, request: Request) -> Response:
        """Answer with the brief of an interaction, an identifier, or both."""
        caller, required = self._admission.admit_contact_reader(request.headers)
        query = read_query(request, "interaction", "identifier", *_WAITING)
        return await self._answer(caller, required, query, query.text("interaction"), query.text("identifier"))

    async def brief_lookup(self, request: Request) -> Response:
        """Answer as ``brief`` does; what is asked for is in the body."""
        caller, required = self._admission.admit_contact_reader(request.headers)
        query = read_query(request, *_WAITING)
        body = await read_request_body(request, bodies.BriefLookup)
        return await self._answer(caller, required, query, body.interaction or None, body.identifier or None)

    async def _answer(
        self, caller: Caller, required: Level | None, query: Query, interaction: str | None, identifier: str | None
    ) -> Response:
        read_contact_query(query, required, interaction)
        if interaction is None and identifier is None:
            raise Refused("bad-query", "Give interaction=ID, identifier=KIND:VALUE, or both.", 400)
        target = _target_of(caller, identifier) if identifier is not None and required is None else None
        asked = _Asked(caller, interaction or "", target, required, query.at_least(), query.wait())
        return json_response(await self._read(asked))

    async def _read(self, asked: _Asked) -> Json:
        """Return the brief of the contact, else of whoever has the identifier, else one of nobody."""
        tenant = asked.caller.tenant
        try:
            if asked.interaction:
                entry = await self._find(asked, ByInteraction(asked.interaction))
                if entry is not None:
                    return await self._of_contact(asked, entry)
            if asked.identifier is not None:
                entry = await self._find(asked, asked.identifier)
                if entry is not None:
                    context = await self._contexts.at(tenant, entry)
                    route = route_of(_body(context), asked.interaction)
                    return _with_meta({**empty_brief(), "level": CLAIMED, "route": route}, context)
        except AmbiguousTarget as ambiguous:
            what = "interaction" if isinstance(ambiguous.target, ByInteraction) else "identifier"
            return _with_meta(empty_brief(f"ambiguous-{what}"), None)
        return _with_meta(empty_brief("unknown-customer"), None)

    async def _of_contact(self, asked: _Asked, entry: CustomerEntry) -> Json:
        """Return the brief of a contact. What is said is read as assured, and so is all that a bot's key is told."""
        tenant, interaction = asked.caller.tenant, asked.interaction
        least: Level = asked.required or "asserted"
        own = (await self._contact_contexts.read_assurance(tenant, entry, interaction)).conversation
        try:
            assured, contact = await self._contact_contexts.read(
                tenant, ByInteraction(interaction), entry, ContactQuery(interaction, least)
            )
        except InsufficientAssurance as refused:
            brief = {**empty_brief(conversation=refused.conversation or ""), **_level_of(refused.contact)}
            if asked.required is not None:
                return _with_meta(brief, entry)
        else:
            body = _body(assured)
            said = words_to_say(body, interaction, contact["assurance"]["level"])
            brief = {**empty_brief(), **_level_of(contact), "say": said}
            if asked.required is not None:
                return _with_meta({**brief, "route": route_of(body, interaction, own)}, assured)
        context = await self._contexts.at(tenant, entry)
        return _with_meta({**brief, "route": route_of(_body(context), interaction, own)}, context)

    async def _find(self, asked: _Asked, target: Target) -> CustomerEntry | None:
        """Return the customer's entry; None for an unknown one. Raises as ``CurrentContexts.find`` otherwise."""
        try:
            return await self._contexts.find(asked.caller.tenant, target, asked.at_least, asked.wait)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None


def _target_of(caller: Caller, identifier: str) -> Target | None:
    """Return the target of ``KIND:VALUE``; None for a value that identifies nobody, as of a withheld number."""
    tenancy = caller.tenancy
    try:
        return by_identifier(*read_identifier(identifier), "", tenancy.ids, tenancy.regions, tenancy.junk)
    except Refused as refused:
        if refused.reason == "unusable-identifier":
            return None
        raise


def _level_of(contact: Json) -> Json:
    return {"level": contact["assurance"]["level"], "by": contact["assurance"]["by"] or ""}


def _with_meta(brief: Json, of: RenderedContext | CustomerEntry | None) -> Json:
    meta: Json = {"version": None, "current_to": None} if of is None else current_meta(of.version, of.moved_at)
    return {**brief, "meta": meta}


def _body(context: RenderedContext) -> Json:
    found: Json = msgspec.json.decode(context.body)
    return found

"""Handle requests for a customer's journey: ``GET /v1/customers/{id}/journey``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store import Store
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.contexts.contact_assurance import (
    ContactQuery,
    InsufficientAssurance,
    check_contact,
    read_contact_query,
)
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.conversations.journeys import Assured, journey
from cx_context_api.decisions import Clock
from cx_context_api.reads.point_in_time import read_customer
from cx_context_api.reads.responses import answer_at
from cx_context_api.reads.time_bounds import FIELDS, read_time_bounds
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.queries import PAGING
from cx_context_api.requests.responses import read_query, route
from cx_context_api.requests.targets import ById, by_id
from cx_events.errors import Refused
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem


class JourneyRoutes:
    """Handles requests for journeys."""

    def __init__(
        self,
        admission: Admission,
        store: Store,
        contexts: CurrentContexts,
        contacts: ContactContexts,
        metrics: Metrics,
        now: Clock,
        turns: ReadTurns,
    ) -> None:
        self._admission = admission
        self._store = store
        self._contexts = contexts
        self._contacts = contacts
        self._metrics = metrics
        self._now = now
        self._turns = turns

    def all(self) -> list[Route]:
        """Return all routes."""
        return [route("GET", "/v1/customers/{id}/journey", self.journey)]

    async def journey(self, request: Request) -> Response:
        """Answer with a page of a customer's contacts, those that began last first."""
        caller, required = self._admission.admit_contact_reader(request.headers)
        tenant, tenancy, _ = caller
        query = read_query(request, *PAGING, *FIELDS, "interaction", "assurance")
        contact = read_contact_query(query, required, query.text("interaction"))
        cursor, limit, moment = query.text("cursor"), query.limit(), read_time_bounds(query, self._now)
        if contact is not None and moment is not None:
            raise Refused("bad-query", "interaction goes with no as_of and no known_at here.", 400)
        target = by_id(request.path_params["id"])
        try:
            shown, assured = await self._check(tenant, target, contact)
        except InsufficientAssurance as refused:
            self._metrics.problem(refused.status, refused.reason)
            more = {"contact": refused.contact, "conversation": refused.conversation}
            return problem(refused.status, refused.reason, refused.detail, more=more)

        async def read(tx: Tx, then: Snapshot | None) -> Json:
            customer, meta = await read_customer(tx, tenant, target.node, then)
            items, following = await journey(tx, tenancy, customer, cursor, limit, then, assured)
            return {"meta": {**meta, **shown}, "customer": text_of(customer), "items": items, "next": following}

        return await answer_at(request, self._store, self._turns, tenancy, moment, read)

    async def _check(self, tenant: str, target: ById, contact: ContactQuery | None) -> tuple[Json, Assured | None]:
        """Return ``meta.contact``, if a contact is named, and what an assured read leaves out.

        Raises ``InsufficientAssurance``.
        """
        if contact is None:
            return {}, None
        entry = await self._contexts.find(tenant, target)
        assurance = await self._contacts.read_assurance(tenant, entry, contact.interaction)
        result = check_contact(assurance, contact, self._now())
        return {"contact": result.contact}, Assured(result.alone) if contact.level is not None else None

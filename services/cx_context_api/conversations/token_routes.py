"""The requests about continuity tokens: to issue one, and to go on by one.

POST /v1/conversations/{id}/continue    a code, an address and a link for this conversation
POST /v1/conversations/continue         a contact presents one of them
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store import Store
from cx_context_api.conversations import token_check, token_issue
from cx_context_api.conversations.threads import find_thread
from cx_context_api.conversations.token_attempts import WRONG_CODE_REASONS, GuessLimit, read_contact_identity
from cx_context_api.decisions import Decisions, decision_request
from cx_context_api.reads.deadline import within
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.responses import accepted, read_query, read_request_body, route
from cx_context_api.requests.targets import by_id
from cx_events.errors import Refused
from cx_events.facts import decision_source
from cx_events.ids import text_of
from cx_events.timestamps import format_time
from cx_runtime.attempt_limits import GUESSES, AttemptLimits
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants

REMEMBERED = 10_000
"""Tokens that were presented here lately; the use may not be applied yet."""


class TokenRoutes:
    """The handlers, over the parts that ``app`` puts together. ``tries`` bounds how often codes may be wrong."""

    def __init__(
        self,
        admission: Admission,
        tenants: Tenants,
        store: Store,
        decisions: Decisions,
        metrics: Metrics,
        tries: AttemptLimits | None = None,
    ) -> None:
        self._admission = admission
        self._tenants = tenants
        self._store = store
        self._decisions = decisions
        self._metrics = metrics
        self._tries = tries if tries is not None else AttemptLimits(GUESSES)
        self._presented: OrderedDict[tuple[str, str], str] = OrderedDict()

    def all(self) -> list[Route]:
        return [
            route("POST", "/v1/conversations/continue", self.go_on),
            route("POST", "/v1/conversations/{id}/continue", self.issue),
        ]

    async def issue(self, request: Request) -> Response:
        caller = self._asker(request)
        tenant, tenancy, _ = caller
        body = await read_request_body(request, bodies.Continue)
        id = request.path_params["id"]
        digest = bodies.request_digest(f"conversations/{id}/continue", body)
        asked = decision_request(caller, request.headers.get("idempotency-key"), digest)
        config = self._tenants.by_name[tenant]

        async def answer() -> Response:
            async with self._store.reading() as tx:
                found = await find_thread(tx, tenant, tenancy, by_id(id).node)
                named = await token_issue.choose_token(tx, tenancy, asked)
            forms = token_issue.token_forms(named.code, named.id, tenancy.ids, config, body)
            if named.event is None:
                choice = token_issue.draft_issue(found, asked, named.id, body)
                issued = self._decisions.next_time(tenant, choice.after)
                names = await self._decisions.append(asked._replace(id=named.id), [choice], issued)
            else:
                names, issued = [EventName(decision_source(tenant), named.id)], named.event.effective
            return accepted(
                names,
                customer=text_of(found.customer),
                conversation=text_of(found.conversation.id),
                **forms,
                expires_at=format_time(issued + body.expires_in * 1_000_000),
                single_use=body.single_use,
            )

        return await within(answer(), "store or log")

    async def go_on(self, request: Request) -> Response:
        caller = self._asker(request)
        tenant, tenancy, key = caller
        body = await read_request_body(request, bodies.Redeem)
        digest = bodies.request_digest("conversations/continue", body)
        asked = decision_request(caller, request.headers.get("idempotency-key"), digest)
        guess = GuessLimit(self._tries, tenant, key, body.interaction) if token_check.guessable(body) else None
        if guess is not None:
            guess.ask()

        async def answer() -> Response:
            id = token_check.read_token(body, tenancy.ids)
            names = await self._decisions.find_applied(asked)
            async with self._store.reading() as tx:
                if names:
                    found = await token_check.shown_again(tx, tenant, tenancy, id)
                else:
                    if guess is not None:
                        guess.made_by(await read_contact_identity(tx, tenant, tenancy, body.interaction))
                    now, moment = self._decisions.now(), partial(self._decisions.next_time, tenant)
                    presented = await token_check.present(tx, tenant, tenancy, id, body, now, moment)
                    found = presented.found
                    if guess is not None:
                        guess.hit(found.customer)
            if not names:
                if any(each.token.id == id and each.token.single_use for each in found.conversation.tokens):
                    self._use(tenant, id, body.interaction)
                names = await self._decisions.append(asked, presented.choices, presented.at)
            return accepted(names, customer=text_of(found.customer), conversation=text_of(found.conversation.id))

        try:
            return await within(answer(), "store or log")
        except Refused as refused:
            if guess is not None and refused.reason in WRONG_CODE_REASONS:
                refused = guess.missed(refused)
            self._metrics.refused("continue", refused.reason)
            raise refused from None

    def _use(self, tenant: str, id: str, interaction: str) -> None:
        """A token for one use that was presented here a moment ago is used, though its use is not applied yet. Of two
        processes each may take one; then the first use counts, and the other is marked."""
        if self._presented.setdefault((tenant, id), interaction) != interaction:
            raise Refused("token-used", "this token was used before, by another contact", 409)
        while len(self._presented) > REMEMBERED:
            self._presented.popitem(last=False)

    def _asker(self, request: Request) -> Caller:
        found = self._admission.admit(request.headers, "conversations:write")
        read_query(request)
        return found

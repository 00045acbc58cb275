"""Handle requests to issue a continuity token, and to continue a conversation by one.

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
from cx_context_api.conversations import continuity_token_check, continuity_token_issue
from cx_context_api.conversations.continuity_token_attempts import WRONG_CODE_REASONS, GuessLimit, read_contact_identity
from cx_context_api.conversations.conversation_lookup import find_thread
from cx_context_api.decisions import Decisions, decision_request
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.responses import accepted, read_act, read_query, route
from cx_context_api.requests.targets import by_id
from cx_events.errors import Refused
from cx_events.facts import decision_source
from cx_events.ids import text_of
from cx_events.timestamps import format_time
from cx_runtime.answer_deadline import within
from cx_runtime.attempt_limits import GUESSES, AttemptLimits
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants

MAX_RECENT = 10_000
"""Single-use tokens presented here recently; their use may not be applied yet."""


class TokenRoutes:
    """Handles requests for tokens. ``attempts`` limits how often codes may be wrong."""

    def __init__(
        self,
        admission: Admission,
        tenants: Tenants,
        store: Store,
        decisions: Decisions,
        metrics: Metrics,
        attempts: AttemptLimits | None = None,
    ) -> None:
        self._admission = admission
        self._tenants = tenants
        self._store = store
        self._decisions = decisions
        self._metrics = metrics
        self._attempts = attempts if attempts is not None else AttemptLimits(GUESSES)
        self._recent: OrderedDict[tuple[str, str], str] = OrderedDict()

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            route("POST", "/v1/conversations/continue", self.continue_conversation),
            route("POST", "/v1/conversations/{id}/continue", self.issue),
        ]

    async def issue(self, request: Request) -> Response:
        """Issue a token for a conversation."""
        caller = self._admit(request)
        tenant, tenancy, _ = caller
        body = await read_act(request, bodies.Continue, tenancy.directory)
        id = request.path_params["id"]
        digest = bodies.request_digest(f"conversations/{id}/continue", body)
        request_id = decision_request(caller, request.headers.get("idempotency-key"), digest)
        config = self._tenants.by_name[tenant]

        async def answer() -> Response:
            async with self._store.reading() as tx:
                thread = await find_thread(tx, tenant, tenancy, by_id(id).node)
                named = await continuity_token_issue.choose_token(tx, tenancy, request_id)
            forms = continuity_token_issue.token_forms(named.code, named.id, tenancy.ids, config, body)
            if named.event is None:
                draft = continuity_token_issue.draft_issue(thread, request_id, named.id, body)
                issued = self._decisions.next_time(tenant, draft.after)
                names = await self._decisions.append(request_id._replace(id=named.id), [draft], issued)
            else:
                names, issued = [EventName(decision_source(tenant), named.id)], named.event.effective
            return accepted(
                names,
                customer=text_of(thread.customer),
                conversation=text_of(thread.conversation.id),
                **forms,
                expires_at=format_time(issued + body.expires_in * 1_000_000),
                single_use=body.single_use,
            )

        return await within(answer(), "store or log")

    async def continue_conversation(self, request: Request) -> Response:
        """Continue the conversation of a token."""
        caller = self._admit(request)
        tenant, tenancy, key = caller
        body = await read_act(request, bodies.Redeem, tenancy.directory)
        digest = bodies.request_digest("conversations/continue", body)
        request_id = decision_request(caller, request.headers.get("idempotency-key"), digest)
        guessable = continuity_token_check.is_guessable(body)
        guess = GuessLimit(self._attempts, tenant, key, body.interaction) if guessable else None
        if guess is not None:
            guess.check_contact()

        async def answer() -> Response:
            id = continuity_token_check.read_token(body, tenancy.ids)
            names = await self._decisions.find_applied(request_id)
            async with self._store.reading() as tx:
                if names:
                    thread = await continuity_token_check.find_thread_again(tx, tenant, tenancy, id)
                else:
                    if guess is not None:
                        guess.check_identity(await read_contact_identity(tx, tenant, tenancy, body.interaction))
                    now, moment = self._decisions.now(), partial(self._decisions.next_time, tenant)
                    use = await continuity_token_check.check_token(tx, tenant, tenancy, id, body, now, moment)
                    thread = use.thread
                    if guess is not None:
                        guess.check_match(thread.customer)
            if not names:
                if any(each.token.id == id and each.token.single_use for each in thread.conversation.tokens):
                    self._mark_used(tenant, id, body.interaction)
                names = await self._decisions.append(request_id, use.drafts, use.at)
            return accepted(names, customer=text_of(thread.customer), conversation=text_of(thread.conversation.id))

        try:
            return await within(answer(), "store or log")
        except Refused as refused:
            if guess is not None and refused.reason in WRONG_CODE_REASONS:
                refused = guess.count_wrong(refused)
            self._metrics.refused("continue", refused.reason)
            raise refused from None

    def _mark_used(self, tenant: str, id: str, interaction: str) -> None:
        """Refuse a single-use token whose use is appended but not applied yet.

        Two processes may each accept one use; then the first one counts, and the other is marked.
        """
        if self._recent.setdefault((tenant, id), interaction) != interaction:
            raise Refused("token-used", "This token was used before by another contact.", 409)
        while len(self._recent) > MAX_RECENT:
            self._recent.popitem(last=False)

    def _admit(self, request: Request) -> Caller:
        caller = self._admission.admit(request.headers, "conversations:write")
        read_query(request)
        return caller

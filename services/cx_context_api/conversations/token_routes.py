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
from cx_context_api.conversations import histories, tokens
from cx_context_api.decisions import Decisions, asking
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission, Asker
from cx_context_api.requests.deadline import within
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.responses import body_of, query_of, route, taken
from cx_context_api.requests.targets import by_id
from cx_events.errors import Refused
from cx_events.facts import decision_source
from cx_events.ids import NodeId, text_of
from cx_events.timestamps import format_time
from cx_runtime.attempt_limits import GUESSES, Tries, too_many
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants

REMEMBERED = 10_000
"""Tokens that were presented here lately; the use may not be applied yet."""

_WRONG = frozenset({"unknown-token", "token-expired", "token-used", "other-customer"})


class _Guess:
    """One code that is presented, and what it counts for.

    Once strangers have been wrong too often over this way, a code is still looked at for a caller who is known, and
    good only for a conversation of that very customer; anybody else is told the same whether the code is right or not.
    """

    def __init__(self, tries: Tries, tenant: str, way: str, caller: str) -> None:
        self._tries = tries
        self._tenant = tenant
        self._way = way
        self._caller = caller
        self._as = tokens.NOBODY
        self._closed = tries.wait(tenant, "way", way)

    def ask(self) -> None:
        self._refuse_for(self._tries.wait(self._tenant, "caller", self._caller))

    def made_by(self, caller: tokens.Caller) -> None:
        """Before the code is looked at."""
        self._as = caller
        if caller.customer is None:
            self._refuse_for(self._closed)
        elif not caller.proved:
            self._refuse_for(self._tries.wait(self._tenant, "customer", text_of(caller.customer)))

    def hit(self, customer: NodeId) -> None:
        if self._closed and customer != self._as.customer:
            self._count()
            self._refuse_for(self._closed)

    def missed(self, refused: Refused) -> Refused:
        """Counted; and what is said."""
        self._count()
        return too_many(self._closed) if self._closed else refused

    def _count(self) -> None:
        self._tries.count(self._tenant, "caller", self._caller)
        if self._as.proved:
            return
        self._tries.count(self._tenant, "way", self._way)
        if self._as.customer is not None:
            self._tries.count(self._tenant, "customer", text_of(self._as.customer))

    @staticmethod
    def _refuse_for(wait: int) -> None:
        if wait:
            raise too_many(wait)


class TokenRoutes:
    """The handlers, over the parts that ``app`` puts together. ``tries`` bounds how often codes may be wrong."""

    def __init__(
        self,
        admission: Admission,
        tenants: Tenants,
        store: Store,
        decisions: Decisions,
        metrics: Metrics,
        tries: Tries | None = None,
    ) -> None:
        self._admission = admission
        self._tenants = tenants
        self._store = store
        self._decisions = decisions
        self._metrics = metrics
        self._tries = tries if tries is not None else Tries(GUESSES)
        self._presented: OrderedDict[tuple[str, str], str] = OrderedDict()

    def all(self) -> list[Route]:
        return [
            route("POST", "/v1/conversations/continue", self.go_on),
            route("POST", "/v1/conversations/{id}/continue", self.issue),
        ]

    async def issue(self, request: Request) -> Response:
        asker = self._asker(request)
        tenant, tenancy, _ = asker
        body = await body_of(request, bodies.Continue)
        id = request.path_params["id"]
        digest = bodies.digest_of(f"conversations/{id}/continue", body)
        asked = asking(asker, request.headers.get("idempotency-key"), digest)
        config = self._tenants.by_name[tenant]

        async def answer() -> Response:
            async with self._store.reading() as tx:
                found = await histories.find_thread(tx, tenant, tenancy, by_id(id).node)
                named = await tokens.name_token(tx, tenancy, asked)
            forms = tokens.forms(named.code, named.id, tenancy.ids, config, body)
            if named.event is None:
                choice = tokens.issuing(found, asked, named.id, body)
                issued = self._decisions.moment(tenant, choice.after)
                names = await self._decisions.take(asked._replace(id=named.id), [choice], issued)
            else:
                names, issued = [EventName(decision_source(tenant), named.id)], named.event.effective
            return taken(
                names,
                customer=text_of(found.customer),
                conversation=text_of(found.conversation.id),
                **forms,
                expires_at=format_time(issued + body.expires_in * 1_000_000),
                single_use=body.single_use,
            )

        return await within(answer(), "store or log")

    async def go_on(self, request: Request) -> Response:
        asker = self._asker(request)
        tenant, tenancy, key = asker
        body = await body_of(request, bodies.Redeem)
        digest = bodies.digest_of("conversations/continue", body)
        asked = asking(asker, request.headers.get("idempotency-key"), digest)
        guess = _Guess(self._tries, tenant, key, body.interaction) if tokens.guessable(body) else None
        if guess is not None:
            guess.ask()

        async def answer() -> Response:
            id = tokens.read_token(body, tenancy.ids)
            names = await self._decisions.taken(asked)
            async with self._store.reading() as tx:
                if names:
                    found = await tokens.shown_again(tx, tenant, tenancy, id)
                else:
                    if guess is not None:
                        guess.made_by(await tokens.caller_of(tx, tenant, tenancy, body.interaction))
                    now, moment = self._decisions.now(), partial(self._decisions.moment, tenant)
                    presented = await tokens.present(tx, tenant, tenancy, id, body, now, moment)
                    found = presented.found
                    if guess is not None:
                        guess.hit(found.customer)
            if not names:
                if any(each.token.id == id and each.token.single_use for each in found.conversation.tokens):
                    self._use(tenant, id, body.interaction)
                names = await self._decisions.take(asked, presented.choices, presented.at)
            return taken(names, customer=text_of(found.customer), conversation=text_of(found.conversation.id))

        try:
            return await within(answer(), "store or log")
        except Refused as refused:
            if guess is not None and refused.reason in _WRONG:
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

    def _asker(self, request: Request) -> Asker:
        found = self._admission.admit(request.headers, "conversations:write")
        query_of(request)
        return found

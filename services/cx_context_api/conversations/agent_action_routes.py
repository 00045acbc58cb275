"""Requests to do something to a conversation: ``POST /v1/conversations/{id}/ACT``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store import Store
from cx_context_api.conversations.agent_actions import AGENT_ACTIONS, choose
from cx_context_api.conversations.handoff_actions import is_shown_in_time
from cx_context_api.conversations.threads import find_thread
from cx_context_api.decisions import Decisions, decision_request
from cx_context_api.reads.deadline import within
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.responses import accepted, read_query, read_request_body, route
from cx_context_api.requests.targets import by_id
from cx_events.ids import text_of
from cx_runtime.metrics import Metrics


class AgentActionRoutes:
    """The handlers, over the parts that ``app`` puts together."""

    def __init__(self, admission: Admission, store: Store, decisions: Decisions, metrics: Metrics) -> None:
        self._admission = admission
        self._store = store
        self._decisions = decisions
        self._metrics = metrics

    def all(self) -> list[Route]:
        return [route("POST", f"/v1/conversations/{{id}}/{name}", self._act(name)) for name in AGENT_ACTIONS]

    def _act(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        act = AGENT_ACTIONS[name]

        async def handle(request: Request) -> Response:
            caller = self._admission.admit(request.headers, "conversations:write")
            tenant, tenancy, _ = caller
            read_query(request)
            body = await read_request_body(request, act.shape)
            id = request.path_params["id"]
            digest = bodies.request_digest(f"conversations/{id}/{name}", body)
            asked = decision_request(caller, request.headers.get("idempotency-key"), digest)

            async def answer() -> Response:
                names = await self._decisions.find_applied(asked)
                async with self._store.reading() as tx:
                    if names:
                        found = await find_thread(tx, tenant, tenancy, by_id(id).node)
                    else:
                        found, choice = await choose(tx, tenant, tenancy, id, act, body)
                if not names:
                    names = await self._decisions.append(asked, [choice])
                    if isinstance(body, bodies.Shown):
                        self._metrics.context_shown(before_answer=is_shown_in_time(found, body))
                return accepted(names, customer=text_of(found.customer), conversation=text_of(found.conversation.id))

            return await within(answer(), "store or log")

        return handle

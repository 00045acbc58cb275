"""Handle agents' actions: ``POST /v1/conversations/{id}/ACTION``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.store import Store
from cx_context_api.conversations.agent_actions import AGENT_ACTIONS, plan_action
from cx_context_api.conversations.conversation_lookup import find_thread
from cx_context_api.conversations.handoff_actions import AlreadyAccepted, is_shown_in_time
from cx_context_api.decisions import Decisions, decision_request
from cx_context_api.requests import bodies
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.responses import accepted, read_act, read_query, route
from cx_context_api.requests.targets import by_id
from cx_events.ids import text_of
from cx_runtime.answer_deadline import within
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem


class AgentActionRoutes:
    """Handles requests for agents' actions."""

    def __init__(self, admission: Admission, store: Store, decisions: Decisions, metrics: Metrics) -> None:
        self._admission = admission
        self._store = store
        self._decisions = decisions
        self._metrics = metrics

    def all(self) -> list[Route]:
        """Return all routes."""
        return [route("POST", f"/v1/conversations/{{id}}/{name}", self._handler(name)) for name in AGENT_ACTIONS]

    def _handler(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        action = AGENT_ACTIONS[name]

        async def handle(request: Request) -> Response:
            caller = self._admission.admit(request.headers, "conversations:write")
            tenant, tenancy, _ = caller
            read_query(request)
            body = await read_act(request, action.shape, tenancy.directory)
            id, handoff = request.path_params["id"], request.path_params.get("handoff", "")
            if isinstance(body, bodies.Accept):
                handoff = body.handoff
            digest = bodies.request_digest(f"conversations/{id}/{name.format(handoff=handoff)}", body)
            request_id = decision_request(caller, request.headers.get("idempotency-key"), digest)

            async def answer() -> Response:
                names = await self._decisions.find_applied(request_id)
                async with self._store.reading() as tx:
                    if names:
                        thread = await find_thread(tx, tenant, tenancy, by_id(id).node)
                    else:
                        thread, draft = await plan_action(tx, tenant, tenancy, id, action, body, handoff)
                if not names:
                    names = await self._decisions.append(request_id, [draft])
                    if isinstance(body, bodies.Shown):
                        self._metrics.context_shown(before_answer=is_shown_in_time(thread, body))
                ids = {"customer": text_of(thread.customer), "conversation": text_of(thread.conversation.id)}
                warnings = bodies.warnings_of(body)
                return accepted(names, **ids, **({"warnings": warnings} if warnings else {}))

            try:
                return await within(answer(), "store or log")
            except AlreadyAccepted as refused:
                self._metrics.problem(refused.status, refused.reason)
                more = {"accepted_by": refused.accepted_by}
                return problem(refused.status, refused.reason, refused.detail, more=more)

        return handle

"""Handle what an agent's page says of its presence."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.following.presence import PresenceBoard, Present
from cx_context_api.requests import bodies
from cx_context_api.requests.acting_agents import check_agent
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.responses import json_response, read_query, read_request_body, route
from cx_context_api.requests.targets import by_id
from cx_events.errors import Refused
from cx_events.ids import text_of
from cx_runtime.sessions.session_auth import signed_in_agent


class PresenceRoutes:
    """Handles ``PUT /v1/presence``."""

    def __init__(self, admission: Admission, contexts: CurrentContexts, board: PresenceBoard) -> None:
        self._admission = admission
        self._contexts = contexts
        self._board = board

    def all(self) -> list[Route]:
        """Return all routes."""
        return [route("PUT", "/v1/presence", self.put)]

    async def put(self, request: Request) -> Response:
        """Keep what an agent's tab says of itself for some seconds. ``offline`` ends it at once."""
        tenant, tenancy, _ = self._admission.admit(request.headers, "conversations:write")
        self._admission.require_scope(request.headers, "context:read")
        read_query(request)
        said = await read_request_body(request, bodies.Presence)
        signed_in = signed_in_agent(request)
        asked = tenancy.directory.asked_for("agent", said.agent.id) if said.agent is not None else signed_in
        if not asked:
            raise Refused("no-agent", "Say who is present: agent {id, name}; nobody signed in as one.", 422)
        if signed_in:
            check_agent(said.agent, signed_in, tenancy.directory)
        entry = tenancy.directory.entries.get(("agent", asked))
        name = entry.name if entry is not None else said.agent.name if said.agent is not None else ""
        if said.state == "offline":
            await self._board.remove(tenant, said.tab, asked)
        else:
            found = await asyncio.gather(*(self._subject(tenant, each) for each in said.looking))
            looking = tuple(sorted(set(found)))
            present = Present(asked, name, said.state, looking, said.typing or "")
            await self._board.put(tenant, said.tab, present, said.seconds, said.answering or "")
        return json_response({"seconds": 0 if said.state == "offline" else said.seconds})

    async def _subject(self, tenant: str, looking: bodies.Looking) -> tuple[str, str]:
        """Return the kind and the id of today. Raises ``Refused`` (404) for a customer who is not known."""
        target = by_id(looking.id)
        if looking.kind == "conversation":
            return looking.kind, looking.id
        return looking.kind, text_of((await self._contexts.find(tenant, target)).customer)

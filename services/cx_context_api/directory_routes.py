"""Handle requests for the directory: who a tenant's agents and queues are, as its configuration says."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context_api.requests.admission import Admission
from cx_context_api.requests.responses import json_response, read_query, route
from cx_events.directory import Entry
from cx_events.json_types import Json


class DirectoryRoutes:
    """Handles requests for the directory, which lasts as long as the process."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def all(self) -> list[Route]:
        """Return all routes."""
        return [route("GET", "/v1/directory", self.directory)]

    async def directory(self, request: Request) -> Response:
        """Answer with all agents and queues, by id."""
        _, tenancy, _ = self._admission.admit(request.headers, "context:read")
        read_query(request)
        entries = sorted(tenancy.directory.entries.values())
        return json_response(
            {
                "agents": [
                    {**_view(each), "teams": list(each.teams), "queues": list(each.queues)}
                    for each in entries
                    if each.kind == "agent"
                ],
                "queues": [_view(each) for each in entries if each.kind == "queue"],
            }
        )


def _view(entry: Entry) -> Json:
    ids = [{"system": alias.system, "id": alias.id} for alias in entry.aliases]
    return {"id": entry.id, "name": entry.name, "ids": ids}

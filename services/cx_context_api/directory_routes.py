"""Handle requests for the directory: who a tenant's agents and queues are, as its configuration and events say."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context_api.requests.admission import Admission
from cx_context_api.requests.responses import json_response, read_query, route
from cx_events.directory import Directory, Entry
from cx_events.json_types import Json


class DirectoryRoutes:
    """Handles requests for the directory."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def all(self) -> list[Route]:
        """Return all routes."""
        return [route("GET", "/v1/directory", self.directory)]

    async def directory(self, request: Request) -> Response:
        """Answer with all agents and queues, by id."""
        _, tenancy, _ = self._admission.admit(request.headers, "context:read")
        read_query(request)
        return json_response(directory_view(tenancy.directory))


def directory_view(directory: Directory) -> Json:
    """Return the JSON of a directory."""
    entries = sorted(directory.entries.values())
    return {
        "agents": [
            {**_view(each, directory), "teams": list(each.teams), "queues": list(each.queues)}
            for each in entries
            if each.kind == "agent"
        ],
        "queues": [_view(each, directory) for each in entries if each.kind == "queue"],
        "unheeded": [
            {"kind": each.kind, "entry": each.entry, "system": each.system, "id": each.id, "reason": each.reason}
            for each in sorted(directory.unheeded)
        ],
    }


def _view(entry: Entry, directory: Directory) -> Json:
    ids = [{"system": alias.system, "id": alias.id} for alias in entry.aliases]
    origin = directory.origins.get((entry.kind, entry.id))
    event = {"source": origin.source, "id": origin.id, "recorded_at": origin.recorded} if origin is not None else None
    told_by = "configuration" if event is None else "event"
    return {"id": entry.id, "name": entry.name, "ids": ids, "told_by": told_by, "event": event}

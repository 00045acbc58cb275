"""Describe the operators' routes for OpenAPI, and answer in JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cx_events.json_types import Json
from cx_runtime.tenants import Scope

SCOPE: Scope = "ops"

Handler = Callable[[Request], Awaitable[Response]]


def parameter(name: str, description: str, *, required: bool = False, **schema: Any) -> Json:
    """Return a parameter of the query, text unless ``schema`` says otherwise."""
    return {
        "name": name,
        "in": "query",
        "required": required,
        "schema": schema or {"type": "string"},
        "description": description,
    }


def add_route(
    routes: APIRouter,
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    parameters: Iterable[Json] = (),
    body: Json | None = None,
) -> None:
    """Add a route that needs a key with the scope ``ops``. ``body``: the schema of its JSON body."""
    described: Json = {
        "description": f"Needs a key with the scope `{SCOPE}`.",
        "security": [{"key": []}],
        "x-scope": [SCOPE],
    }
    if parameters:
        described["parameters"] = list(parameters)
    if body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    routes.add_api_route(path, handler, methods=[method], summary=summary, openapi_extra=described)


def json_response(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")

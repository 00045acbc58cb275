"""Describe the operators' routes for OpenAPI, and answer in JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cx_events.json_types import Json
from cx_events.schema_shapes import ref
from cx_ops.http_routes.answers import schemas
from cx_runtime.openapi.document import Description
from cx_runtime.openapi.operation import JSON, Operation, answer, parameter, problem_answers
from cx_runtime.tenants import Scope

__all__ = ["PREFIX", "SCOPE", "Background", "Handler", "OpsRoutes", "add_route", "json_response", "parameter"]

SCOPE: Scope = "ops"
PREFIX = "/v1/ops"

Handler = Callable[[Request], Awaitable[Response]]
Background = Callable[[str, Callable[[], Awaitable[None]]], None]
"""Do named work in this process, after the answer."""

_PROBLEMS = (400, 401, 403, 405, 429, 503)
_TEXTS = {
    404: "There is no such thing in this tenant.",
    409: "It can't be done as things stand; or it concerns all tenants, and this is one of several.",
}


class OpsRoutes(APIRouter):
    """Routes below ``/v1/ops``, and what OpenAPI says of them."""

    def __init__(self) -> None:
        super().__init__(prefix=PREFIX)
        self.operations: dict[tuple[str, str], Operation] = {}

    def description(self) -> Description:
        """Return what the operators' routes add to the document of a process."""
        return Description(
            self.operations, schemas(), tags={"ops": "For operators: the log, projectors, dead letters, rebuilds."}
        )


def add_route(
    routes: OpsRoutes,
    method: str,
    path: str,
    handler: Handler,
    id: str,
    summary: str,
    answered: str,
    parameters: Sequence[Json] = (),
    *,
    body: Json | None = None,
    example: Json | None = None,
    status: Sequence[int] = (200,),
    problems: Sequence[int] = (),
) -> None:
    """Add a route that needs a key with the scope ``ops``.

    ``id``: of the operation. ``answered``: the name of the answer's schema in ``answers``. ``body``: the schema of its
    JSON body; ``example``: one. ``status``: of what is done. ``problems``: the statuses of those that not every route
    has.
    """
    statuses = sorted({*_PROBLEMS, *problems})
    routes.operations[f"{PREFIX}{path}", method.lower()] = Operation(
        id,
        "ops",
        summary,
        {
            **{
                str(each): answer("Begun." if each == 202 else "As asked for.", {JSON: ref(answered)})
                for each in status
            },
            **problem_answers(statuses, _TEXTS),
        },
        [SCOPE],
        parameters=parameters,
        body={JSON: body} if body is not None else {},
        examples={JSON: example} if example is not None else {},
    )
    routes.add_api_route(path, handler, methods=[method])


def json_response(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=JSON)

"""Describe this service as an OpenAPI 3.1 document, from the same shapes that requests are read by.

Modules:
``operations`` is the table of operations.
``parameters`` describes their parameters and problems, ``examples`` gives example bodies.
``schemas`` describes the answers, with ``brief_schemas``, ``event_schemas``, ``identity_schemas`` and
``explanation_schemas``; what the body of a context shows is described by its sections (``cx_context.sections``).
``shapes`` has the schemas that several of these answers hold.
"""

from __future__ import annotations

import msgspec

from cx_context.sections.shapes import TEXT, ref
from cx_context_api.openapi.examples import EXAMPLES
from cx_context_api.openapi.operations import OPERATIONS, Operation
from cx_context_api.openapi.parameters import PARAMETERS, PROBLEMS
from cx_context_api.openapi.schemas import SCHEMAS
from cx_events.json_types import Json
from cx_runtime.problems import MEDIA_TYPE


def paths() -> Json:
    """Return the ``paths`` of the document."""
    found: dict[str, Json] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = _described(operation)
    return found


def _described(operation: Operation) -> Json:
    answers = {operation.status: operation.answer, **operation.further}
    responses: Json = {
        str(status): {
            "description": operation.events or ("Durable." if status == 202 else "As asked for."),
            "content": _stream(name) if operation.events else {operation.media_type: {"schema": ref(name)}},
        }
        for status, name in sorted(answers.items())
    }
    if operation.answer == "Context" and not operation.events and operation.method == "get":
        responses["200"]["headers"] = {"ETag": {"schema": TEXT, "description": "Opaque. Two bodies never share one."}}
    for status in sorted(operation.problems):
        content = {} if status == 304 else {"content": {MEDIA_TYPE: {"schema": ref("Problem")}}}
        responses[str(status)] = {"description": PROBLEMS[status], **content}
    described: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": f"Needs a key with the scope {' and '.join(f'`{scope}`' for scope in operation.scopes)}.",
        "tags": ["context"],
        "security": [{"key": []}],
        "x-scope": operation.scopes,
        "parameters": [{"name": name, **PARAMETERS[name]} for name in operation.parameters],
        "responses": responses,
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {"schema": ref(operation.body.__name__), "example": EXAMPLES[operation.id]}
            },
        }
    return described


def _stream(data: str) -> Json:
    """Describe a stream. OpenAPI 3.1 can't describe its events, so ``x-data`` names the commonest event's data."""
    return {"text/event-stream": {"schema": {**TEXT, "contentMediaType": "application/json", "x-data": ref(data)}}}


def components() -> Json:
    """Return the ``components`` of the document."""
    shapes = [operation.body for operation in OPERATIONS if operation.body is not None]
    _, read = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    return {
        "schemas": {**read, **SCHEMAS},
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": "A key of the tenant, with its scopes."}
        },
    }


def document() -> Json:
    """Return the whole document of this service alone."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Throughline: contexts",
            "version": "1",
            "summary": "Contexts, histories and threads of customers; what people decide about them.",
        },
        "paths": paths(),
        "components": components(),
    }

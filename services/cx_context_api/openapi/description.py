"""Make OpenAPI's description of this service out of the table of its operations."""

from __future__ import annotations

from cx_context_api.openapi.examples import EXAMPLES
from cx_context_api.openapi.operations import OPERATIONS, TAGS, Described
from cx_context_api.openapi.parameters import PARAMETERS, PROBLEMS
from cx_context_api.openapi.schemas import SCHEMAS
from cx_events.json_types import Json
from cx_events.schema_shapes import ref
from cx_runtime.openapi.document import Description
from cx_runtime.openapi.operation import (
    ETAG,
    JSON,
    NOT_MODIFIED,
    Operation,
    answer,
    problem_answer,
    streamed,
)
from cx_runtime.openapi.struct_schemas import schemas_of

_OF_CONTEXTS = frozenset({403, 404, 409})
"""Problems that may say whom or what they are about."""


def description() -> Description:
    """Return what this service adds to the document of a process."""
    return Description(
        {(each.path, each.method): _operation(each) for each in OPERATIONS},
        {**schemas_of([each.body for each in OPERATIONS if each.body is not None]), **SCHEMAS},
        tags=TAGS,
    )


def _operation(each: Described) -> Operation:
    responses = {str(status): _answer(each, status, name) for status, name in _answers(each).items()}
    for status in each.problems:
        responses[str(status)] = NOT_MODIFIED if status == 304 else _problem(status)
    return Operation(
        each.id,
        each.tag,
        each.summary,
        responses,
        each.scopes,
        parameters=[{"name": name, **PARAMETERS[name]} for name in each.parameters],
        body={JSON: ref(each.body.__name__)} if each.body is not None else {},
        examples={JSON: EXAMPLES[each.id]} if each.body is not None else {},
    )


def _answers(each: Described) -> dict[int, str]:
    return {each.status: each.answer, **each.further}


def _answer(each: Described, status: int, name: str) -> Json:
    if each.events:
        return answer(each.events, streamed(name))
    tagged = 304 in each.problems and status == 200
    return answer(
        "Durable." if status == 202 else "As asked for.", {each.media_type: ref(name)}, ETAG if tagged else None
    )


def _problem(status: int) -> Json:
    if status in _OF_CONTEXTS:
        return problem_answer(status, PROBLEMS.get(status, ""), ref("ContextProblem"))
    return problem_answer(status, PROBLEMS.get(status, ""))

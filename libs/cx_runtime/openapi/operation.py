"""Describe one operation of an HTTP service for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, named, ref
from cx_runtime.problems import MEDIA_TYPE

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
BINARY: Json = {"type": "string", "format": "binary"}

KEY = "key"
"""The security scheme of a tenant's key."""

_RETRY_AFTER: Json = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
_CHALLENGE: Json = {"WWW-Authenticate": {"schema": TEXT, "description": "The scheme that is asked for."}}
_HEADERS: Mapping[int, Json] = {401: _CHALLENGE, 429: _RETRY_AFTER, 503: _RETRY_AFTER}

ETAG: Json = {"ETag": {"schema": TEXT, "description": "Opaque. Two bodies never share one."}}
NOT_MODIFIED: Json = {"description": "Nothing changed.", "headers": ETAG}

PROBLEM_MEMBERS: Mapping[str, Json] = {
    "type": TEXT,
    "title": TEXT,
    "status": {"type": "integer"},
    "detail": TEXT,
    "reason": TEXT,
}
PROBLEM: Json = {
    **named("Problem", PROBLEM_MEMBERS, {"part": {**TEXT, "description": "Of a 503: what does not answer."}}),
    "description": "RFC 9457. `reason` is the stable word to test; `detail` is for people.",
    "examples": [
        {
            "type": "urn:throughline:problem:unknown-customer",
            "title": "Not Found",
            "status": 404,
            "detail": "there is no such customer here (yet)",
            "reason": "unknown-customer",
        }
    ],
}
"""The schema of a problem document."""

PROBLEMS: Mapping[int, str] = {
    400: "The request can't be read: the query, a header, the body.",
    401: "The key is missing or unknown.",
    403: "The key lacks a scope.",
    404: "There is no such thing in this tenant.",
    405: "This path takes another method.",
    408: "The body came too slowly.",
    409: "It can't be done as things stand.",
    413: "The body is too large.",
    415: "The body comes in a content type or a coding that is not taken.",
    422: "The request can be read and can't be done.",
    429: "More than the key may ask; `Retry-After` says when it may again.",
    503: "A part that is needed does not answer, or the hub is full. Sending again is always safe.",
}


def problem_more(name: str, more: Mapping[str, Json], about: str) -> Json:
    """Return the schema of a problem document that has further members, all of them optional."""
    return named(name, PROBLEM_MEMBERS, {"part": TEXT, **more}, about)


def answer(
    description: str, content: Mapping[str, Json] | None = None, headers: Mapping[str, Json] | None = None
) -> Json:
    """Return a response. ``content``: schemas by media type."""
    described: Json = {"description": description}
    if headers:
        described["headers"] = headers
    if content:
        described["content"] = {media_type: {"schema": schema} for media_type, schema in content.items()}
    return described


def problem_answer(status: int, text: str = "", schema: Json = PROBLEM) -> Json:
    """Return the response of a problem. ``text``: when it comes, by default what it always means."""
    return answer(text or PROBLEMS[status], {MEDIA_TYPE: schema}, _HEADERS.get(status))


def problem_answers(statuses: Sequence[int], texts: Mapping[int, str] | None = None) -> dict[str, Json]:
    """Return the responses of several problems. ``texts``: what some of them mean here."""
    return {str(status): problem_answer(status, (texts or {}).get(status, "")) for status in sorted(statuses)}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``scopes``: what its key needs, all of them. ``security``: where no key opens it, what does; an
    empty list for everybody. ``body``: schemas by media type; ``examples``: of them. ``responses``: by status."""

    id: str
    tag: str
    summary: str
    responses: Mapping[str, Json]
    scopes: Sequence[str] = ()
    security: Sequence[Mapping[str, list[str]]] = ()
    parameters: Sequence[Json] = ()
    body: Mapping[str, Json] = field(default_factory=dict)
    examples: Mapping[str, Json] = field(default_factory=dict)
    about_body: str = ""
    about: str = ""

    def described(self) -> Json:
        """Return the operation as OpenAPI has it."""
        needed = " and ".join(f"`{scope}`" for scope in self.scopes)
        sentences = [f"Needs a key with the scope {needed}."] if self.scopes else []
        described: Json = {"operationId": self.id, "summary": self.summary, "tags": [self.tag]}
        if text := " ".join([*sentences, self.about]).strip():
            described["description"] = text
        described["security"] = [{KEY: []}] if self.scopes else [dict(each) for each in self.security]
        described["x-scope"] = list(self.scopes)
        if self.parameters:
            described["parameters"] = list(self.parameters)
        if self.body:
            described["requestBody"] = self._body()
        described["responses"] = dict(sorted(self.responses.items()))
        return described

    def _body(self) -> Json:
        content: Json = {}
        for media_type, schema in self.body.items():
            example = self.examples.get(media_type)
            content[media_type] = {"schema": schema, **({"example": example} if example is not None else {})}
        about = {"description": self.about_body} if self.about_body else {}
        return {"required": True, **about, "content": content}


def parameter(name: str, description: str, *, place: str = "query", required: bool = False, **schema: object) -> Json:
    """Return a parameter, text unless ``schema`` says otherwise. ``place``: ``query``, ``header`` or ``path``."""
    return {
        "name": name,
        "in": place,
        "required": required or place == "path",
        "schema": schema or TEXT,
        "description": description,
    }


def streamed(item: str) -> Mapping[str, Json]:
    """Return the content of server-sent events. OpenAPI 3.1 can't describe them one by one, so ``x-data`` refers to the
    schema of the commonest event's data."""
    return {EVENT_STREAM: {**TEXT, "contentMediaType": JSON, "x-data": ref(item)}}

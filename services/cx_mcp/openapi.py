"""Describe ``/mcp`` for OpenAPI. What the tools take is the protocol's to say: a client asks for their list."""

from __future__ import annotations

from cx_events.schema_shapes import FREE, TEXT, named, words
from cx_runtime.openapi.document import Description
from cx_runtime.openapi.operation import JSON, KEY, Operation, answer, problem_answers

PATH = "/mcp"

_ID = {"type": ["string", "integer", "null"]}
_MESSAGE = named(
    "JsonRpcMessage",
    {"jsonrpc": words("2.0"), "method": TEXT},
    {"id": _ID, "params": FREE},
    "A message of the Model Context Protocol: a request, or without `id` a notification.",
)
_ANSWER = named(
    "JsonRpcAnswer",
    {"jsonrpc": words("2.0")},
    {
        "id": _ID,
        "result": FREE,
        "error": named("JsonRpcError", {"code": {"type": "integer"}, "message": TEXT}, {"data": {}}),
    },
)


def description() -> Description:
    """Return what this service adds to the document of a process."""
    refused = {
        status: answer(text, {JSON: _ANSWER})
        for status, text in {
            "400": "The message can't be read, or is of another version of the protocol.",
            "406": "`Accept` must name `application/json` and `text/event-stream`.",
            "413": "The message is too large.",
            "415": "The message is not `application/json`.",
        }.items()
    }
    operation = Operation(
        "send_mcp_message",
        "mcp",
        "The hub as tools for AI agents, by MCP over streamable HTTP",
        {
            "200": answer("The answer to a request.", {JSON: _ANSWER}),
            "202": answer("A notification was taken."),
            **refused,
            **problem_answers((401, 405, 429, 503)),
        },
        security=[{KEY: []}],
        body={JSON: _MESSAGE},
        examples={JSON: {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}},
        about="Takes any key of the tenant; each tool needs the scope of what it does. Clients of MCP speak this by "
        "themselves (docs/ai-agents.md).",
    )
    return Description({(PATH, "post"): operation}, tags={"mcp": "The hub as tools for AI agents."})

"""Describe the web chat's HTTP routes for OpenAPI. Its socket has no place there."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.chat.webchat.mapping import File
from cx_channels.chat.webchat.server.upload_routes import PATH
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT
from cx_runtime.openapi.document import Description
from cx_runtime.openapi.operation import BINARY, ETAG, JSON, NOT_MODIFIED, Operation, answer, parameter, problem_answers
from cx_runtime.openapi.struct_schemas import schemas_of

SCRIPT_PATH = "/v1/chat/widget.js"

_SESSION: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "A visitor's session: the token that the chat's socket gave with `welcome`.",
}
_PROBLEMS: Mapping[int, str] = {
    400: "The file is empty, or the id is none.",
    401: "The session is missing, unknown or has expired.",
    403: "This chat takes no files, or none from pages of that origin.",
    404: "There is no such chat.",
    413: "The file is larger than the chat takes.",
    415: "The chat takes no files of this type.",
    429: "Too many files of this visitor, address, connection or tenant; `Retry-After` says when again.",
    503: "The hub is full and took nothing, or the outcome is unknown; sending again is safe.",
}


def description() -> Description:
    """Return what the web chat adds to the document of a process."""
    (sent,) = schemas_of([File]).values()
    return Description(
        {(SCRIPT_PATH, "get"): _script(), (PATH, "put"): _upload({"x-name": "SentFile", **sent})},
        security={"chat-session": _SESSION},
    )


def _script() -> Operation:
    return Operation(
        "get_chat_script",
        "chat",
        "The chat's script for a web page",
        {"200": answer("The script.", {"text/javascript": TEXT}, ETAG), "304": NOT_MODIFIED},
    )


def _upload(sent: Json) -> Operation:
    return Operation(
        "send_chat_file",
        "chat",
        "Send a file into a chat",
        {
            "201": answer("The message is durable, and so is the file.", {JSON: sent}),
            **problem_answers((*_PROBLEMS, 405, 408), _PROBLEMS),
        },
        security=[{"chat-session": []}],
        parameters=[
            parameter("connection", "The chat's connection, as configured.", place="path"),
            parameter(
                "id",
                "The browser's own: the same file sent again under it is the same message.",
                place="path",
                type="string",
                pattern="^[A-Za-z0-9_-]{1,64}$",
            ),
            parameter("X-File-Name", "Its name, in percent-encoded UTF-8.", place="header"),
        ],
        body={"*/*": BINARY},
        about_body="The file's bytes, in the content type that it has.",
        about="A visitor's file, as a message of its own.",
    )

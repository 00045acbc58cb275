"""Answer what a homeserver asks: whether we are there, and whether a user or a room is ours.

spec.matrix.org/latest/application-service-api, "Pinging", "Querying". The paths stand below the connection's address;
since transactions alone are sent by PUT, nothing needs to read them.
"""

from __future__ import annotations

import msgspec

from cx_channels.chat.matrix.signature import verify
from cx_channels.provider import Answer, Connection, Mapped, Request

_JSON = "application/json"


def challenge(request: Request, connection: Connection) -> Answer | None:
    """Answer a question: a ping by POST, a query by GET. None for a transaction, also where a proxy made a POST of it.

    A user or a room is never ours: the hub makes none.
    """
    if request.method == "PUT" or b'"events"' in request.body:
        return None
    verify(request, connection)
    if request.method == "POST":
        return Answer(body=b"{}", content_type=_JSON)
    body = msgspec.json.encode({"errcode": "M_NOT_FOUND", "error": "The hub has no users or rooms of its own"})
    return Answer(404, body, _JSON)


def answer(_mapped: Mapped, _request: Request) -> Answer:
    """Return what a homeserver waits for: with anything else it sends the same transaction for ever."""
    return Answer(body=b"{}", content_type=_JSON)

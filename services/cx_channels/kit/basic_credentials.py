"""Check HTTP basic authentication of vendors that sign nothing: they call a URL with a name and a password in it.

RFC 7617 for the header. Each secret of a connection is ``USER:PASSWORD``.
"""

from __future__ import annotations

from cx_channels.kit.sent_secret import basic, decode_basic, signature
from cx_channels.kit.signing import any_same
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused

SIGNATURE = signature("hub:a secret", "hub:another secret", "hub:somebody else's secret")


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as a vendor sends it to ``https://USER:PASSWORD@...``."""
    return basic(request, secret)


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the request has one of the connection's secrets, each ``USER:PASSWORD``."""
    scheme, _, given = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "basic" or not given.strip():
        raise Refused("no-credentials", "a name and a password are needed: Authorization: Basic", 401)
    if not any_same(decode_basic(given.strip()), [secret for secret in connection.secrets if ":" in secret]):
        raise Refused("bad-credentials", "Authorization holds none of the connection's names and passwords", 401)

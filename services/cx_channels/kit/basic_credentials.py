"""HTTP basic authentication of vendors that sign nothing: they call a URL with a name and a password in it.

RFC 7617 for the header. Each secret of a connection is ``USER:PASSWORD``.
"""

from __future__ import annotations

import binascii
from base64 import b64encode

from cx_channels.kit.signing import any_same, with_headers
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

_SENT_ALONE = "a name and a password are sent with the request and cover nothing of it; TLS does"

SIGNATURE = Signature(
    headers=("authorization",),
    covers=frozenset(),
    gaps={"body": _SENT_ALONE, "url": _SENT_ALONE, "time": _SENT_ALONE},
    example_secrets=("hub:a secret", "hub:another secret", "hub:somebody else's secret"),
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as a vendor sends it to ``https://USER:PASSWORD@...``."""
    return with_headers(request, {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the request has one of the connection's secrets, each ``USER:PASSWORD``."""
    scheme, _, given = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "basic" or not given.strip():
        raise Refused("no-credentials", "a name and a password are needed: Authorization: Basic", 401)
    if not any_same(_decoded(given.strip()), [secret for secret in connection.secrets if ":" in secret]):
        raise Refused("bad-credentials", "Authorization holds none of the connection's names and passwords", 401)


def _decoded(given: str) -> str:
    """Return ``USER:PASSWORD``; "" for what is neither base64 nor UTF-8, which is nobody's."""
    try:
        return binascii.a2b_base64(given.encode("ascii"), strict_mode=True).decode("utf-8")
    except ValueError:
        return ""

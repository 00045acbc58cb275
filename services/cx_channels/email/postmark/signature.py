"""HTTP basic authentication: Postmark signs nothing, it calls a URL with a name and a password in it.

postmarkapp.com/developer/webhooks/webhooks-overview, "Protecting your webhook"; RFC 7617 for the header.
"""

from __future__ import annotations

import binascii

from cx_channels.kit.signing import any_same
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused


def verify(request: Request, connection: Connection) -> None:
    """``Refused`` (401) unless the request has one of the connection's secrets, each ``USER:PASSWORD``."""
    scheme, _, given = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "basic" or not given.strip():
        raise Refused("no-credentials", "a name and a password are needed: Authorization: Basic", 401)
    if not any_same(_decoded(given.strip()), [secret for secret in connection.secrets if ":" in secret]):
        raise Refused("bad-credentials", "Authorization holds none of the connection's names and passwords", 401)


def _decoded(given: str) -> str:
    """``USER:PASSWORD``; "" for what is neither base64 nor UTF-8, which is nobody's."""
    try:
        return binascii.a2b_base64(given.encode("ascii"), strict_mode=True).decode("utf-8")
    except ValueError:
        return ""

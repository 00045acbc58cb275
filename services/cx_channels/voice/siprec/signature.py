"""Check the proof of a relay: SIPREC's metadata carries none, so whoever posts it signs.

``X-Signature`` is the lower-case hex HMAC-SHA256, under the connection's secret, of ``X-Timestamp`` (Unix seconds), a
dot and the body as it is sent. This is the hub's own convention; no standard has one.
"""

from __future__ import annotations

from cx_channels.kit.signing import check_age, check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

HEADER, TIME = "X-Signature", "X-Timestamp"
TOLERANCE = 300

SIGNATURE = Signature(
    headers=(HEADER.lower(), TIME.lower()),
    covers=frozenset({"body", "time"}),
    gaps={"url": "the relay signs time and body alone: a connection's secret is for one address"},
    tolerance_seconds=TOLERANCE,
)


def _content(time: str, request: Request) -> bytes:
    return f"{time}.".encode("utf-8", "replace") + request.body


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as a relay sends it, signed with one secret."""
    time = str(request.received // 1_000_000)
    return with_headers(request, {HEADER: hmac_of(secret, _content(time, request)), TIME: time})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's secrets signed the request, lately."""
    time = request.headers.get(TIME.lower(), "")
    check_signature(request.headers.get(HEADER.lower()), [_content(time, request)], connection.secrets, header=HEADER)
    at = unix_seconds(time)
    if at is None:
        raise Refused("bad-signature", f"{TIME} is no time", 401)
    check_age(at, request.received, TOLERANCE, header=TIME)

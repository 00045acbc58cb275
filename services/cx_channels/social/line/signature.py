"""Check LINE's proof: ``X-Line-Signature``, the base64 HMAC-SHA256 of the body under the channel secret.

developers.line.biz/en/docs/messaging-api/verify-webhook-signature.
"""

from __future__ import annotations

from cx_channels.kit.signing import check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Connection, Request, Signature

HEADER = "X-Line-Signature"

SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    gaps={
        "url": "LINE signs the body alone (verify-webhook-signature)",
        "time": "no time of sending is signed; an event's id makes a replay the same event",
    },
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as LINE sends it, signed with a channel secret."""
    return with_headers(request, {HEADER: hmac_of(secret, request.body, encoding="base64")})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's channel secrets signed the body."""
    given = request.headers.get(HEADER.lower())
    check_signature(given, [request.body], connection.secrets, header=HEADER, encoding="base64")

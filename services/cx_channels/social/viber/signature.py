"""Check Viber's proof: ``X-Viber-Content-Signature``, the hex HMAC-SHA256 of the body under the bot's token.

developers.viber.com/docs/api/rest-bot-api, "Callbacks".
"""

from __future__ import annotations

from cx_channels.kit.signing import check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Connection, Request, Signature

HEADER = "X-Viber-Content-Signature"

SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    gaps={
        "url": "Viber signs the body alone (rest-bot-api, Callbacks)",
        "time": "no time of sending is signed, and the event's own may rightly lie an hour back",
    },
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Viber sends it, signed with a bot's token."""
    return with_headers(request, {HEADER: hmac_of(secret, request.body)})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's bot tokens signed the body."""
    check_signature(request.headers.get(HEADER.lower()), [request.body], connection.secrets, header=HEADER)

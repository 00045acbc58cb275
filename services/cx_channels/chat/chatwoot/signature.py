"""Check Chatwoot's proof: ``X-Chatwoot-Signature``, ``sha256=`` and the hex HMAC-SHA256 of time, dot and body under the
webhook's secret, with the time (Unix seconds) in ``X-Chatwoot-Timestamp``.

www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks, "Verifying webhook signatures". Older versions
sign nothing: with the setting ``unsigned: accept`` a secret in the query (``?token=``) is enough, and covers nothing.
"""

from __future__ import annotations

from cx_channels.kit.sent_secret import check_sent
from cx_channels.kit.signing import check_age, check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

HEADER = "X-Chatwoot-Signature"
TIME = "X-Chatwoot-Timestamp"
UNSIGNED = "unsigned"
_TOLERANCE = 300

SIGNATURE = Signature(
    headers=(HEADER.lower(), TIME.lower()),
    covers=frozenset({"body", "time"}),
    gaps={"url": "Chatwoot signs the time and the body alone"},
    tolerance_seconds=_TOLERANCE,
)


def takes_unsigned(connection: Connection) -> bool:
    """Return whether the connection takes what an older version sends, which signs nothing."""
    return connection.settings.get(UNSIGNED) == "accept"


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Chatwoot sends it, signed now."""
    at = str(request.received // 1_000_000)
    signed = hmac_of(secret, f"{at}.".encode() + request.body)
    return with_headers(request, {TIME: at, HEADER: f"sha256={signed}"})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless a secret of the connection signed the body within five minutes."""
    given = request.headers.get(HEADER.lower(), "")
    if not given and takes_unsigned(connection):
        check_sent(request, connection, (), parameter="token")
        return
    written = request.headers.get(TIME.lower(), "").strip()
    check_signature(
        given, [f"{written}.".encode("utf-8", "replace") + request.body], connection.secrets, header=HEADER,
        prefix="sha256=",
    )  # fmt: skip
    at = unix_seconds(written)
    if at is None:
        raise Refused("bad-signature", f"{TIME} is no time in Unix seconds", 401)
    check_age(at, request.received, _TOLERANCE, header=TIME)

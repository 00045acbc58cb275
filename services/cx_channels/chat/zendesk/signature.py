"""Check Zendesk's proofs. Sunshine Conversations sends a shared secret alone; Support signs the time and the body.

Sunshine Conversations: header ``X-API-Key`` (github.com/zendesk/sunshine-conversations-api-spec, "Webhooks"). Support:
``X-Zendesk-Webhook-Signature``, the base64 HMAC-SHA256 of timestamp and body under the webhook's signing secret
(developer.zendesk.com/documentation/webhooks/verifying). Which of both a connection takes is its setting ``webhooks``.
"""

from __future__ import annotations

from cx_channels.kit.settings import check_choice
from cx_channels.kit.signing import any_same, check_age, check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Fatal, Refused
from cx_events.timestamps import format_time

KEY_HEADER = "X-API-Key"
HEADER = "X-Zendesk-Webhook-Signature"
TIME_HEADER = "X-Zendesk-Webhook-Signature-Timestamp"
TOLERANCE_SECONDS = 300
WEBHOOKS = "webhooks"

OF_TESTS = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
"""The secret of every webhook that is not made yet: everybody knows it (the same page, "Signing secrets")."""

_SECOND = 1_000_000
_SENT_ALONE = "the shared secret is sent with the request and covers nothing of it; TLS does"

API_KEY = Signature(
    headers=(KEY_HEADER.lower(),),
    covers=frozenset(),
    gaps={"body": _SENT_ALONE, "url": _SENT_ALONE, "time": _SENT_ALONE},
)
SIGNED = Signature(
    headers=(HEADER.lower(), TIME_HEADER.lower()),
    covers=frozenset({"body", "time"}),
    gaps={"url": "Zendesk signs the timestamp and the body alone"},
    tolerance_seconds=TOLERANCE_SECONDS,
)


def scheme_of(connection: Connection) -> Signature:
    """Return what proves a connection's requests."""
    return SIGNED if _is_support(connection) else API_KEY


def _is_support(connection: Connection) -> bool:
    return connection.settings.get(WEBHOOKS) == "support"


def _signed(at: str, body: bytes) -> bytes:
    return at.encode("utf-8", "replace") + body


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as Zendesk sends it with one secret, at ``Request.received`` where a time is signed."""
    if not _is_support(connection):
        return with_headers(request, {KEY_HEADER: secret})
    at = format_time(request.received - request.received % _SECOND)
    made = hmac_of(secret, _signed(at, request.body), encoding="base64")
    return with_headers(request, {TIME_HEADER: at, HEADER: made})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the request has one of the connection's secrets, or was signed with one within
    five minutes."""
    secrets = [each for each in connection.secrets if each.strip() and each != OF_TESTS]
    if not _is_support(connection):
        given = request.headers.get(KEY_HEADER.lower(), "")
        if not given.strip():
            raise Refused("missing-signature", f"the request has no header {KEY_HEADER}", 401)
        if not any_same(given, secrets):
            raise Refused("bad-signature", f"{KEY_HEADER} is none of the connection's secrets", 401)
        return
    at = request.headers.get(TIME_HEADER.lower(), "")
    moment = iso_time(at)
    if moment is None:
        raise Refused("missing-signature", f"{TIME_HEADER} is no time", 401)
    made = request.headers.get(HEADER.lower())
    check_signature(made, [_signed(at, request.body)], secrets, header=HEADER, encoding="base64")
    check_age(moment, request.received, TOLERANCE_SECONDS, header=TIME_HEADER)


def warnings(connection: Connection) -> tuple[str, ...]:
    """Raise ``Fatal`` for settings that can't be meant, and for the secret that everybody knows."""
    check_choice(connection, WEBHOOKS, "conversations", "support")
    if OF_TESTS in connection.secrets:
        raise Fatal(f"the connection {connection.id}: this is the secret of Zendesk's test page, which everybody knows")
    return ()

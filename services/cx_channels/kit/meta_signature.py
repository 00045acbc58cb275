"""Check Meta's two proofs: the app secret's signature on each delivery, and the verify token of a subscription.

developers.facebook.com/docs/graph-api/webhooks/getting-started, "Validating payloads" and "Verification requests".
"""

from __future__ import annotations

from cx_channels.kit.signing import any_same, check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Answer, Connection, Request, Signature
from cx_events.errors import Refused

HEADER = "X-Hub-Signature-256"
"""Over the body as it was sent: Meta escapes non-ASCII as lower-case ``\\uXXXX`` before it signs. The older header
``X-Hub-Signature`` (SHA-1) comes beside it and is not read."""


SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    gaps={
        "url": 'Meta signs the payload alone (getting-started, "Validating payloads")',
        "time": "nothing signed says when it was sent; an event's id makes a replay the same event",
    },
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Meta sends it, signed with an app secret."""
    return with_headers(request, {HEADER: f"sha256={hmac_of(secret, request.body)}"})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's app secrets signed the body."""
    check_signature(
        request.headers.get(HEADER.lower()), [request.body], connection.secrets, header=HEADER, prefix="sha256="
    )


def challenge(request: Request, connection: Connection) -> Answer | None:
    """Return the answer to a subscription check, a GET with ``hub.mode=subscribe``: its challenge, as plain text.

    ``Refused`` (403) where the token is not the connection's ``verify_token`` (a text, or a list while it is changed).
    """
    if request.method != "GET":
        return None
    asked = dict(request.query)
    if asked.get("hub.mode") != "subscribe":
        raise Refused("bad-challenge", "a GET must have hub.mode=subscribe", 403)
    configured = connection.settings.get("verify_token", ())
    tokens = [str(each) for each in (configured if isinstance(configured, list | tuple) else [configured]) if each]
    if not tokens:
        raise Refused("bad-verify-token", "the connection has no setting verify_token", 403)
    if not any_same(asked.get("hub.verify_token", ""), tokens):
        raise Refused("bad-verify-token", "hub.verify_token is not the connection's", 403)
    return Answer(body=asked.get("hub.challenge", "").encode("utf-8", "replace"))

"""Check Rocket.Chat's proof: a word that is the same for every request; nothing is signed.

Omnichannel's webhook sends it in ``X-RocketChat-Livechat-Token`` (Omnichannel, Webhooks, "Secret Token"), an outgoing
integration as ``token`` in its body (docs.rocket.chat/docs/integrations, "Outgoing WebHook").
"""

from __future__ import annotations

from cx_channels.kit.json_values import read_object, text
from cx_channels.kit.signing import any_same, with_headers
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

HEADER = "X-RocketChat-Livechat-Token"

_NOT_SIGNED = "the header is a word, the same for every request (Secret Token)"

SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    covers=frozenset(),
    gaps={"body": _NOT_SIGNED, "url": _NOT_SIGNED, "time": _NOT_SIGNED},
    example_secrets=("a-secret", "another-secret", "somebody-elses"),
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Omnichannel's webhook sends it."""
    return with_headers(request, {HEADER: secret})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the request carries one of the connection's secrets."""
    given = request.headers.get(HEADER.lower(), "").strip() or _token(request)
    if not given:
        raise Refused("missing-signature", f"the request has neither {HEADER} nor a token in its body", 401)
    if not any_same(given, [secret for secret in connection.secrets if secret.strip()]):
        raise Refused("bad-signature", f"{HEADER}, or the token, is none of the connection's secrets", 401)


def _token(request: Request) -> str:
    """Return the token of an outgoing integration."""
    if b'"token"' not in request.body:
        return ""
    try:
        return text(read_object(request.body).get("token")).strip()
    except Refused:
        return ""

"""Check Telegram's proof: ``X-Telegram-Bot-Api-Secret-Token``, the word that was given to ``setWebhook``.

core.telegram.org/bots/api#setwebhook, ``secret_token``. Nothing is signed: whoever knows the word may say anything.
"""

from __future__ import annotations

from cx_channels.kit.signing import any_same, with_headers
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

HEADER = "X-Telegram-Bot-Api-Secret-Token"

_NOT_SIGNED = "the header is a word, the same for every request (setwebhook, secret_token)"

SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    covers=frozenset(),
    gaps={"body": _NOT_SIGNED, "url": _NOT_SIGNED, "time": _NOT_SIGNED},
    example_secrets=("a_secret-token", "another_secret-token", "somebody-elses"),
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Telegram sends it, with a secret token."""
    return with_headers(request, {HEADER: secret})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the header is one of the connection's secret tokens."""
    given = request.headers.get(HEADER.lower(), "")
    if not given:
        raise Refused("missing-signature", f"the request has no header {HEADER}", 401)
    if not any_same(given, [secret for secret in connection.secrets if secret]):
        raise Refused("bad-signature", f"{HEADER} is none of the connection's secrets", 401)

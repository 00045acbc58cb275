"""Check Vonage's proofs of messages: the token of ``kit.vonage_signature``; of the older SMS API the parameter ``sig``.

The older API (account-level webhooks) signs only where the account asks for it: an HMAC over ``&name=value`` of all
parameters but ``sig``, sorted by name, with ``&`` and ``=`` in values as ``_``, in hex, under the account's signature
secret; the hash is a choice of the account, SHA-256 here unless the setting ``sms_signature`` names another.
``timestamp`` (Unix seconds) is one of the parameters (developer.vonage.com/en/getting-started/concepts/
signing-messages).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from cx_channels.chat.vonage.notice import is_older, read_fields
from cx_channels.kit import vonage_signature
from cx_channels.kit.json_values import text
from cx_channels.kit.signing import any_same, check_age
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused

ALGORITHMS = ("sha256", "sha512", "sha1", "md5")
UNSIGNED = "unsigned"


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless a secret of the connection signed the request, or the connection takes unsigned
    ones of the older SMS API (``unsigned: accept``)."""
    if request.headers.get(vonage_signature.HEADER.lower(), "").strip():
        vonage_signature.verify(request, connection)
        return
    try:
        fields, _ = request.once(read_fields)
    except Refused:
        fields = {}
    if not is_older(fields):
        vonage_signature.verify(request, connection)
    elif text(fields.get("sig")):
        _check_sig(fields, request, connection)
    elif connection.settings.get(UNSIGNED) != "accept":
        detail = "neither Authorization nor sig: sign messages in the account's settings, or see the README on unsigned"
        raise Refused("missing-signature", detail, 401)


def _check_sig(fields: Mapping[str, object], request: Request, connection: Connection) -> None:
    content = signed_content(fields)
    algorithm = text(connection.settings.get("sms_signature")) or ALGORITHMS[0]
    valid = [hmac.digest(secret.encode(), content, algorithm).hex() for secret in connection.secrets if secret.strip()]
    if not any_same(text(fields.get("sig")).lower(), valid):
        raise Refused("bad-signature", "sig was made with none of the connection's secrets", 401)
    at = unix_seconds(fields.get("timestamp"))
    if at is None:
        raise Refused("bad-signature", "sig comes without a timestamp", 401)
    check_age(at, request.received, vonage_signature.TOLERANCE, header="timestamp")


def signed_content(fields: Mapping[str, object]) -> bytes:
    """Return what ``sig`` is made of."""
    pairs = sorted((name, text(value)) for name, value in fields.items() if name != "sig")
    return "".join(f"&{name}={_plain(value)}" for name, value in pairs).encode("utf-8", "replace")


def _plain(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")

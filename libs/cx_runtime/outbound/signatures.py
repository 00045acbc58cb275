"""Sign as Standard Webhooks 1.0 says (https://www.standardwebhooks.com).

That specification's own library for Python signs texts alone, and a record may hold any bytes.

webhook-id: msg_3Ck...                stable: a receiver drops what it has seen
webhook-timestamp: 1795922400         the attempt's time, in seconds
webhook-signature: v1,K5o... v1,9Qd...     one for each secret, while secrets are exchanged
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes of a secret, by the specification."""


def check_secret(secret: str) -> str:
    """Return a secret if it is ``whsec_`` and 24 to 64 bytes in base64. Raises ValueError, without telling it."""
    try:
        found = _key_of(secret)
    except (binascii.Error, ValueError):
        found = b""
    if not secret.startswith(PREFIX) or not _LEAST <= len(found) <= _MOST:
        raise ValueError(f"expected {PREFIX} and {_LEAST} to {_MOST} random bytes in base64")
    return secret


def message_id(*parts: str) -> str:
    """Return an id that is always the same for the same parts: what is sent again keeps it."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return "msg_" + hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:40]


class Signatures:
    """Signs with each of some secrets, the newest first. Without any, nothing is signed."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        """Raises ValueError for what is no secret."""
        self._keys = [_key_of(check_secret(secret)) for secret in secrets]

    def headers(self, message: str, body: bytes, now: float) -> dict[str, str]:
        """Return the three headers. ``message``: an id without a full stop; ``now``: s since 1970."""
        if "." in message:
            raise ValueError("a full stop in an id would make the signed text ambiguous")
        at = str(int(now))
        found = {"webhook-id": message, "webhook-timestamp": at}
        content = f"{message}.{at}.".encode() + body
        signed = " ".join(f"v1,{_signature(key, content)}" for key in self._keys)
        return {**found, "webhook-signature": signed} if signed else found


def _key_of(secret: str) -> bytes:
    body = secret.removeprefix(PREFIX)
    return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)


def _signature(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()

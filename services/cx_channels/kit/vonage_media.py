"""Ask Vonage for files by a token of the application, which its private key signs (RS256).

developer.vonage.com/en/getting-started/concepts/authentication: the token names the application, and says when it was
made and until when it counts. A recording opens to the application that made it alone (.../voice/voice-api/concepts/
recording). Addresses are of the region where the file lies: ``api-eu-3.vonage.com``, ``api-us.nexmo.com``.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.media import within
from cx_channels.kit.rs256_tokens import signed_token
from cx_channels.kit.settings import text_setting
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import MEDIA_SETTING, Connection
from cx_events.timestamps import Micros

HOST = r"https://api(?:-(?:us|eu|ap)(?:-[0-9]{1,2})?)?\.(?:nexmo|vonage)\.com"
"""The beginning of the addresses of its APIs, for a pattern."""
VONAGE = within(".nexmo.com", ".vonage.com")

APPLICATION, KEY = "application", "media_secret"
SETTINGS = frozenset({MEDIA_SETTING, APPLICATION, KEY})

_SECOND = 1_000_000
_LASTS = 300
"""Seconds for which a token counts; a file comes within two minutes."""


def token_header(connection: Connection, url: str, now: Micros) -> Mapping[str, str]:
    """Return the header of a token that was made for one request; none where the settings have no key that can be
    read."""
    key = connection.once(_key_of)
    if key is None:
        return {}
    at = now // _SECOND
    claims = {
        "application_id": text_setting(connection, APPLICATION, ""),
        "iat": at,
        "exp": at + _LASTS,
        "jti": sha256_hex(f"{url} {now}".encode())[:32],
    }
    return bearer_header(signed_token(key, "", claims))


def lacks_key(connection: Connection) -> tuple[str, ...]:
    """Return what a connection lacks to make tokens. Raise ``Fatal`` for an application that is no text."""
    found = []
    if not text_setting(connection, APPLICATION, ""):
        found.append("settings.media is true, and settings.application (the application's id) is missing")
    if not connection.settings.get(KEY):
        found.append("settings.media is true, and settings.media_secret (the application's private key) is missing")
    elif connection.once(_key_of) is None:
        found.append("settings.media_secret is no private key of an application (RSA, as PEM, without a password)")
    return tuple(found)


def _key_of(connection: Connection) -> RSAPrivateKey | None:
    """For ``Connection.once``: the application's private key. Its lines may be divided by a written ``\\n``, which is
    how it stands in files of variables."""
    written = connection.settings.get(KEY)
    if not isinstance(written, str):
        return None
    try:
        key = load_pem_private_key(written.replace("\\n", "\n").strip().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it asks for a password
        return None
    return key if isinstance(key, RSAPrivateKey) else None

"""Check SendGrid's proof: an ECDSA signature (P-256, SHA-256) over the timestamp and the body, as they came.

www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features for events,
.../parsing-email/securing-your-parse-webhooks for received mail with a security policy. A connection's secrets are
public keys, as SendGrid shows them. Without signing there is only what stands in the URL: with the setting
``authentication: basic`` the secrets are names and passwords.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cx_channels.kit import basic_credentials
from cx_channels.kit.mail.purposes import purposes_of
from cx_channels.kit.settings import check_choice
from cx_channels.kit.signing import check_age, with_headers
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Fatal, Refused

HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIME_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

TOLERANCE_SECONDS = 86_400
"""SendGrid tries for 24 hours to bring an event, and does not say whether it signs each attempt anew."""

AUTHENTICATION = "authentication"
_SECOND = 1_000_000
_SECONDS = re.compile(r"[0-9]{1,12}")
_ARMOUR = re.compile(r"-----(?:BEGIN|END) PUBLIC KEY-----")
_ALGORITHM = ec.ECDSA(hashes.SHA256())

_EXAMPLES = {
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyMnl/dmjW0erPN5LGX+6zplqoFzQXzNV4oYsKyq5q9U6orfNVB0edL/GWRbymBmohcbIkhZGbd4AU7J"
    "Bmpv/fQ==": "an example key, number one",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaBl7NYGyA9uACiyVuYUDhLGg+zr/YgceElB61UnHPMORIUfp4obuxOJ+qjHa/5aqUw+07/G2HMtsnaz"
    "okPSQdw==": "an example key, number two",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsHCPLxZdJTEhfZ1NifxUtFy4K7HssjU0BOW2Axc2pBlP/8GnVCk90gzd4YFkCcqGGv/Y4F4YpFA1dtO"
    "d4FwpoQ==": "an example key, number three",
}
"""Public keys of examples, each with the words that its private key is made of."""

_FIRST, _SECOND_KEY, _THIRD = _EXAMPLES

SIGNATURE = Signature(
    headers=(HEADER.lower(), TIME_HEADER.lower()),
    covers=frozenset({"body", "time"}),
    gaps={"url": "SendGrid signs the timestamp and the body alone"},
    tolerance_seconds=TOLERANCE_SECONDS,
    example_secrets=(_FIRST, _SECOND_KEY, _THIRD),
)


def scheme_of(connection: Connection) -> Signature:
    """Return what proves a connection's requests."""
    return basic_credentials.SIGNATURE if _is_basic(connection) else SIGNATURE


def _is_basic(connection: Connection) -> bool:
    return connection.settings.get(AUTHENTICATION) == "basic"


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as SendGrid sends it, signed at ``Request.received``.

    Only SendGrid has the private half of a key. For the keys of ``example_secrets`` it is known here; for another
    secret it is one that nobody's public key fits.
    """
    if _is_basic(connection):
        return basic_credentials.sign(request, connection, secret)
    at = str(request.received // _SECOND)
    seed = sha256(_EXAMPLES.get(secret, f"no key: {secret}").encode("utf-8", "replace")).digest()
    key = ec.derive_private_key(int.from_bytes(seed), ec.SECP256R1())
    made = key.sign(at.encode() + request.body, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return with_headers(request, {TIME_HEADER: at, HEADER: b64encode(made).decode()})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's keys signed the timestamp and the body within a day."""
    if _is_basic(connection):
        basic_credentials.verify(request, connection)
        return
    at = request.headers.get(TIME_HEADER.lower(), "")
    if not _SECONDS.fullmatch(at):
        raise Refused("missing-signature", f"{TIME_HEADER} is no time in whole seconds", 401)
    given = _decoded(request.headers.get(HEADER.lower(), ""))
    if not given:
        raise Refused("missing-signature", f"{HEADER} is no signature in base64", 401)
    content = at.encode() + request.body
    if not any(_signed_by(key, given, content) for key in connection.once(_keys)):
        raise Refused("bad-signature", f"{HEADER} was made with none of the connection's keys", 401)
    check_age(int(at) * _SECOND, request.received, TOLERANCE_SECONDS, header=TIME_HEADER)


def _decoded(given: str) -> bytes:
    """Return the bytes of base64 as SendGrid writes it; none for anything else."""
    try:
        found = binascii.a2b_base64(given.encode("ascii"), strict_mode=True)
    except ValueError:
        return b""
    return found if b64encode(found).decode() == given else b""  # the last letter has bits that count for nothing


def _signed_by(key: ec.EllipticCurvePublicKey, given: bytes, content: bytes) -> bool:
    try:
        key.verify(given, content, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def _keys(connection: Connection) -> tuple[ec.EllipticCurvePublicKey, ...]:
    return tuple(_readable_keys(connection.secrets))


def _readable_keys(secrets: tuple[str, ...]) -> Iterator[ec.EllipticCurvePublicKey]:
    for secret in secrets:
        key = _key(secret)
        if key is not None:
            yield key


def _key(secret: str) -> ec.EllipticCurvePublicKey | None:
    """Return a public key, given in base64 with or without the lines around it in a PEM file; None for another text."""
    try:
        key = load_der_public_key(
            binascii.a2b_base64("".join(_ARMOUR.sub("", secret).split()).encode("ascii"), strict_mode=True)
        )
    except ValueError:
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) else None


def warnings(connection: Connection) -> tuple[str, ...]:
    """Raise ``Fatal`` for settings that can't be meant, and for a secret that is not what ``authentication`` says."""
    connection.once(purposes_of)
    check_choice(connection, AUTHENTICATION, "signature", "basic")
    for place, secret in enumerate(connection.secrets, 1):
        if _is_basic(connection):
            if secret and ":" not in secret:
                raise Fatal(f"the connection {connection.id}: secret {place} is not NAME:PASSWORD")
        elif secret and _key(secret) is None:
            raise Fatal(
                f"the connection {connection.id}: secret {place} is no public key of SendGrid's; names and passwords"
                " need authentication: basic"
            )
    return ()

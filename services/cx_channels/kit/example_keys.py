"""Make keys and certificates for tests and trials, where a vendor signs with a key of its own that nobody else has.

A connection's ``secrets`` are then the names of such keys. They are made once a process and mean nothing outside of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cx_channels.provider import Connection

_FROM, _UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@cache
def example_key(name: str) -> rsa.RSAPrivateKey:
    """Return the private key of a name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def example_certificate(name: str) -> bytes:
    """Return a certificate of the key of a name, signed by itself, as PEM."""
    key = example_key(name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keys.example.com")])
    built = x509.CertificateBuilder(subject, subject, key.public_key(), 1, _FROM, _UNTIL)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def place_of(connection: Connection, secret: str) -> int:
    """Return the place of a key among a connection's, 0 for one that is none of them: a stranger names another's."""
    return connection.secrets.index(secret) if secret in connection.secrets else 0


def named_keys(connection: Connection) -> list[tuple[int, str]]:
    """Return the keys of a connection with their places; empty names are no keys."""
    return [(place, name) for place, name in enumerate(connection.secrets) if name.strip(" :")]

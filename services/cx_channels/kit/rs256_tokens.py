"""Check JSON Web Tokens that a vendor signs with RSA (RS256; RFC 7515, RFC 7519) and whose keys it publishes (RFC
7517); and make those that the hub signs where it asks.

No other algorithm is taken: a token chooses its algorithm itself, and one that says ``none`` or ``HS256`` would be
checked by nothing, or by a key that everybody has.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from cx_channels.kit.json_values import obj, objects, text, texts
from cx_channels.provider import Connection
from cx_channels.published_keys import KeyUnknown
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json

HEADER = "Authorization"
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]{1,2000})\.([A-Za-z0-9_-]{1,8000})\.([A-Za-z0-9_-]{1,1400})")
_MOST_KEYS = 200
_LEAST_BITS, _MOST_BITS = 2048, 8192


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was read; nothing of it is checked. ``signed``: the bytes that ``signature`` is over."""

    kid: str
    claims: Json
    signed: bytes
    signature: bytes

    def claim(self, name: str) -> str:
        """Return a claim that is text, else ""."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One key of a set. ``endorsements``: what its publisher says that it may sign for, in a member of that name."""

    key: RSAPublicKey
    endorsements: frozenset[str]


def read_token(header: str) -> Token:
    """Return the token of an ``Authorization`` header. Raise ``Refused`` (401) where there is none that can be read."""
    if not header.strip():
        raise Refused("missing-signature", f"the request has no header {HEADER}", 401)
    match = _BEARER.fullmatch(header.strip())
    if match is None:
        raise bad_token("is no bearer token of three parts")
    try:
        head, claims = (obj(strict_json.decode(_bytes(match[place]))) for place in (1, 2))
        signature = _bytes(match[3])
    except (ValueError, Refused):
        raise bad_token("can't be read") from None
    if head.get("alg") != "RS256" or "crit" in head:
        raise bad_token("is not signed by RS256")
    return Token(text(head.get("kid")), claims, f"{match[1]}.{match[2]}".encode(), signature)


def key_of(connection: Connection, url: str, token: Token) -> PublishedKey:
    """Return the key that a token names, of the set that is published at a URL. Raise ``KeyUnknown`` where the set is
    not here, or lacks that key."""
    published = connection.keys.read(url, keys_in)
    key = published.get(token.kid) if published is not None else None
    if key is None:
        raise KeyUnknown(url, "the key that the token names is about to be fetched")
    return key


def check_token(token: Token, key: RSAPublicKey) -> None:
    """Raise ``Refused`` (401) unless a key signed a token."""
    try:
        key.verify(token.signature, token.signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise bad_token("was not signed by the key that it names") from None


def check_times(token: Token, received: int, skew_seconds: int) -> None:
    """Raise ``Refused`` (401) unless a token is valid at a moment, in microseconds. It must say from when until when;
    clocks may differ by the skew."""
    begins, ends = _moment(token.claims.get("nbf")), _moment(token.claims.get("exp"))
    if begins is None or ends is None:
        raise bad_token("has no nbf or no exp")
    now = received / 1_000_000
    if now > ends + skew_seconds:
        raise Refused("too-old", f"the token in {HEADER} is over since more than {skew_seconds} s", 401)
    if now < begins - skew_seconds:
        raise Refused("too-old", f"the token in {HEADER} begins more than {skew_seconds} s from now", 401)


def keys_in(document: bytes) -> Mapping[str, PublishedKey]:
    """Return the RSA keys of a published set that may sign, by their ids; none where it is no set."""
    try:
        listed = objects(obj(strict_json.decode(document)).get("keys"))
    except Refused:
        return {}
    found: dict[str, PublishedKey] = {}
    for each in listed[:_MOST_KEYS]:
        key, id = _key(each), text(each.get("kid"))
        if key is not None and id:
            found[id] = PublishedKey(key, frozenset(texts(each.get("endorsements"))))
    return found


def _key(value: Json) -> RSAPublicKey | None:
    if value.get("kty") != "RSA" or value.get("use", "sig") != "sig" or value.get("alg", "RS256") != "RS256":
        return None
    try:
        n, e = (int.from_bytes(_bytes(text(value.get(name)))) for name in ("n", "e"))
        return RSAPublicNumbers(e, n).public_key() if _LEAST_BITS <= n.bit_length() <= _MOST_BITS else None
    except ValueError:
        return None


def signed_token(key: RSAPrivateKey, kid: str, claims: Mapping[str, Any]) -> str:
    """Return a token that a key signed. ``kid``: names the key; "" where the vendor knows it by a claim."""
    head = {"alg": "RS256", "typ": "JWT", **({"kid": kid} if kid else {})}
    signed = f"{_encoded(msgspec.json.encode(head))}.{_encoded(msgspec.json.encode(claims))}"
    return f"{signed}.{_encoded(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def published_key(key: RSAPrivateKey, kid: str, endorsements: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the public half of a key as a member of a published set; for tests and trials."""
    numbers = key.public_key().public_numbers()
    n, e = (_encoded(each.to_bytes((each.bit_length() + 7) // 8)) for each in (numbers.n, numbers.e))
    return {"kty": "RSA", "use": "sig", "kid": kid, "n": n, "e": e, "endorsements": list(endorsements)}


def bad_token(why: str) -> Refused:
    """Return the refusal of a token. ``why``: a sentence's end."""
    return Refused("bad-signature", f"the token in {HEADER} {why}", 401)


def _moment(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(part: str) -> bytes:
    """Decode base64url as RFC 7515 writes it. Raise ValueError for another writing of the same bytes, too: a token must
    not pass in two forms."""
    content = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if _encoded(content) != part:
        raise ValueError("not the one writing of these bytes")
    return content

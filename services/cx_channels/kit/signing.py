"""Check signatures in the ways that vendors share: in constant time, with several secrets valid at once.

Every failure is a ``Refused`` with status 401 and one of three reasons: ``missing-signature``, ``bad-signature``,
``too-old``. The details name the header, never what it or the secret holds.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from cx_channels.provider import Request
from cx_events.errors import Refused
from cx_events.timestamps import Micros

Algorithm = Literal["sha1", "sha256"]
Encoding = Literal["hex", "base64"]

_SECOND = 1_000_000


def sign(secret: str, content: bytes, algorithm: Algorithm = "sha256", encoding: Encoding = "hex") -> str:
    """Return the HMAC (RFC 2104) of some content, in lower-case hex or padded base64."""
    digest = hmac.digest(secret.encode(), content, algorithm)
    return digest.hex() if encoding == "hex" else b64encode(digest).decode("ascii")


def signed_identifiers(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return what a business's own server signs to vouch for identifiers of one person: ``KIND:VALUE``, one a line.

    The kind stands in it, so that a hash over an account can't serve for an address of the same text. The values must
    not hold line ends.
    """
    return "\n".join(f"{kind}:{value}" for kind, value in pairs).encode("utf-8", "surrogatepass")


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of some content as 64 lower-case hex digits."""
    return sha256(content).hexdigest()


def same(given: str, expected: str) -> bool:
    """Return whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def any_same(given: str, expected: Iterable[str]) -> bool:
    """Return whether any is equal. All are compared, so that the time does not tell which one was."""
    found = False
    for each in expected:
        found |= same(given, each)
    return found


def check_signature(
    given: str | None,
    contents: Iterable[bytes],
    secrets: Iterable[str],
    *,
    header: str,
    algorithm: Algorithm = "sha256",
    encoding: Encoding = "hex",
    prefix: str = "",
) -> None:
    """Pass where ``given`` is ``prefix`` and the HMAC of any of ``contents`` under any of ``secrets``.

    ``secrets``: all that are valid now, so that one can be rotated without a gap; without any, nothing passes.
    ``contents``: more than one where a vendor signs inconsistently.
    """
    if not given or not given.strip():
        raise Refused("missing-signature", f"the request has no header {header}", 401)
    given = given.strip()
    if not given.startswith(prefix):
        raise Refused("bad-signature", f"{header} does not start with {prefix!r}", 401)
    given = given[len(prefix) :]
    if encoding == "hex":
        given = given.lower()
    bodies = list(contents)
    valid = [sign(secret, body, algorithm, encoding) for secret in secrets if secret for body in bodies]
    if not any_same(given, valid):
        raise Refused("bad-signature", f"{header} was made with none of the connection's secrets", 401)


def shown_url(url: str) -> str:
    """Return a URL as people may see it: without user and password, and with its query's names alone."""
    parts = urlsplit(url)
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    query = "&".join(f"{name}=…" for name in names)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()


def check_age(at: Micros, received: Micros, tolerance_seconds: int, *, header: str) -> None:
    """Pass where a signed time is no further from ``received`` than the tolerance, on either side: a recording of a
    request must not be valid for ever, and a clock may be wrong both ways."""
    if abs(received - at) > tolerance_seconds * _SECOND:
        raise Refused("too-old", f"{header} is more than {tolerance_seconds} s away from the time of receipt", 401)


def with_headers(request: Request, headers: Mapping[str, str]) -> Request:
    """Return a request with more headers, as a signing vendor adds them. Names in any case."""
    return replace(request, headers={**request.headers, **{name.lower(): value for name, value in headers.items()}})

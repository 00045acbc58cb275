"""Check who sends, as a declaration says that the vendor proves it: an HMAC, a secret in a header, or a password.

Every secret of the connection is valid, so that one can be exchanged without a gap; without any nothing passes. What an
HMAC does not cover, anybody can change who has one signed request: a declaration must sign the body at least.
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.signed_content import Signed, compile_content
from cx_channels.kit.signing import any_same, check_age, with_headers
from cx_channels.provider import Covered, Request, Signature
from cx_events.envelope import Weight
from cx_events.errors import Refused

_SCHEMES = ("hmac", "header", "basic")
_HMAC = ("header", "algorithm", "encoding", "prefix", "separator", "signed", "timestamp", "secret")
_ALGORITHMS = ("sha256", "sha1", "sha512")
_ENCODINGS = ("hex", "base64")
_SECRETS = ("text", "base64", "hex")
_MOST_SIGNATURES = 20
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_SENT_ALONE = "the secret is sent with the request and covers nothing of it; TLS does"

Secrets = Iterable[str]


@dataclass(frozen=True, slots=True)
class Authentication:
    """``verify`` raises ``Refused`` (401) for a request that none of the secrets vouches for; ``sign`` returns one as
    the vendor sends it. ``usable``: whether a secret is written as the scheme needs it. ``strongest``: the most that a
    customer's identifier may weigh behind this door. ``summary``: for people."""

    verify: Callable[[Request, Secrets], None]
    sign: Callable[[Request, str], Request]
    usable: Callable[[str], bool]
    signature: Signature
    strongest: Weight
    summary: str


def compile_authentication(given: Any, place: Place) -> Authentication:
    """Return the scheme that a declaration names: one of ``hmac``, ``header``, ``basic``."""
    declared = place.members(given, _SCHEMES)
    if len(declared) != 1:
        place.wrong("expected one of hmac, header, basic: nothing is taken from somebody who proves nothing")
        return _CLOSED
    ((scheme, its),) = declared.items()
    at = place.at(scheme)
    if scheme == "hmac":
        return _hmac(its, at)
    if scheme == "header":
        members = at.members(its, ("name", "prefix"))
        return _secret_in_header(_header_name(members, "name", at), at.text_at(members, "prefix"))
    if its is not True:
        at.wrong("expected 'basic: true'; each secret is NAME:PASSWORD")
    return _BASIC


def _header_name(given: Mapping[str, Any], name: str, place: Place) -> str:
    found = place.text_at(given, name)
    if not _HEADER.fullmatch(found):
        place.at(name).wrong("expected the name of a header, like X-Signature")
    return found.lower()


# --- a secret that is sent -------------------------------------------------------------------------------------------


def _sent(
    header: str,
    shown: Callable[[str], str],
    is_secret: Callable[[str], bool],
    examples: tuple[str, str, str],
    what: str,
) -> Authentication:
    """Return the scheme of a secret that is sent as ``shown`` in a header."""

    def verify(request: Request, secrets: Secrets) -> None:
        given = request.headers.get(header, "").strip()
        if not given:
            raise Refused("missing-signature", f"the request has no header {header}", 401)
        if not any_same(given, [shown(secret) for secret in secrets if is_secret(secret)]):
            raise Refused("bad-signature", f"{header} holds none of the connection's secrets", 401)

    gaps: dict[Covered, str] = {"body": _SENT_ALONE, "url": _SENT_ALONE, "time": _SENT_ALONE}
    return Authentication(
        verify,
        lambda request, secret: with_headers(request, {header: shown(secret)}),
        is_secret,
        Signature(headers=(header,), covers=frozenset(), gaps=gaps, example_secrets=examples),
        "asserted",
        what,
    )


def _secret_in_header(name: str, prefix: str) -> Authentication:
    return _sent(
        name or "authorization",
        lambda secret: f"{prefix}{secret}",
        lambda secret: bool(secret.strip()),
        ("a secret", "another secret", "somebody else's secret"),
        f"a secret in the header {name}",
    )


_BASIC = _sent(
    "authorization",
    lambda secret: f"Basic {b64encode(secret.encode()).decode()}",  # RFC 7617
    lambda secret: secret.partition(":")[1] == ":" and bool(secret.strip(": ")),
    ("hub:a secret", "hub:another secret", "hub:somebody else's secret"),
    "a name and a password (HTTP Basic)",
)


# --- an HMAC ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scheme:
    header: str
    algorithm: str
    encoding: str
    prefix: str
    separator: str
    key_form: str
    secret_prefix: str
    content: Signed

    def key(self, secret: str) -> bytes:
        """Return the key that a secret stands for; empty where it is not written as declared."""
        written = secret.removeprefix(self.secret_prefix) if self.secret_prefix else secret
        try:
            if self.key_form == "base64":
                return b64decode(written, validate=True)
            return bytes.fromhex(written) if self.key_form == "hex" else written.encode()
        except (binascii.Error, ValueError):
            return b""

    def is_usable(self, secret: str) -> bool:
        return bool(secret.strip()) and bool(self.key(secret))

    def digest(self, key: bytes, content: bytes) -> str:
        found = hmac.digest(key, content, self.algorithm)
        return found.hex() if self.encoding == "hex" else b64encode(found).decode("ascii")

    def given(self, request: Request) -> list[str]:
        """Return the signatures that a request brings."""
        value = request.headers.get(self.header, "").strip()
        if not value:
            raise Refused("missing-signature", f"the request has no header {self.header}", 401)
        pieces = value.split(self.separator, _MOST_SIGNATURES) if self.separator else [value]
        found = [each.strip()[len(self.prefix) :] for each in pieces if each.strip().startswith(self.prefix)]
        return [each.lower() for each in found] if self.encoding == "hex" else found

    def verify(self, request: Request, secrets: Secrets) -> None:
        given, time = self.given(request), self.content.time_in(request)
        content = self.content.of(request, time)
        valid = [self.digest(self.key(secret), content) for secret in secrets if self.is_usable(secret)]
        passed = False
        for each in given:
            passed |= any_same(each, valid)
        if not passed:
            raise Refused("bad-signature", f"{self.header} was made with none of the connection's secrets", 401)
        timestamp = self.content.timestamp
        if timestamp is not None:
            check_age(timestamp.read(time), request.received, timestamp.tolerance_seconds, header=timestamp.header)

    def sign(self, request: Request, secret: str) -> Request:
        prepared, time = self.content.prepared(request)
        signed = self.prefix + self.digest(self.key(secret), self.content.of(prepared, time))
        timestamp = self.content.timestamp
        if timestamp is not None and timestamp.header == self.header:
            signed = f"{timestamp.prefix}{time}{self.separator}{signed}"
        return with_headers(prepared, {self.header: signed})


def _hmac(given: Any, place: Place) -> Authentication:
    members = place.members(given, _HMAC)
    header = _header_name(members, "header", place)
    secret = place.at("secret").members(members.get("secret", {}), ("encoding", "prefix"))
    separator = place.text_at(members, "separator")
    scheme = _Scheme(
        header,
        place.choice_at(members, "algorithm", _ALGORITHMS, "sha256"),
        place.choice_at(members, "encoding", _ENCODINGS, "hex"),
        place.text_at(members, "prefix"),
        separator,
        place.at("secret").choice_at(secret, "encoding", _SECRETS, "text"),
        place.at("secret").text_at(secret, "prefix"),
        compile_content(members.get("signed", ["$body"]), members.get("timestamp"), separator, place),
    )
    timestamp = scheme.content.timestamp
    if timestamp is not None and timestamp.header == header and not (scheme.separator and scheme.prefix):
        place.at("separator").wrong("a header with a time and a signature needs separator, prefix and timestamp.prefix")
    return Authentication(scheme.verify, scheme.sign, scheme.is_usable, _signature(scheme), "proved", _summary(scheme))


def _signature(scheme: _Scheme) -> Signature:
    timestamp = scheme.content.timestamp
    headers = [scheme.header, *([timestamp.header] if timestamp else []), *scheme.content.headers]
    covers: set[Covered] = {"body", "time"} if timestamp else {"body"}
    gaps: dict[Covered, str] = {"url": "the declared signature does not cover the URL"}
    if timestamp is None:
        gaps["time"] = "the declared signature does not cover a time, so that a request can be sent again for ever"
    return Signature(
        headers=tuple(dict.fromkeys(headers)),
        covers=frozenset(covers),
        gaps=gaps,
        tolerance_seconds=timestamp.tolerance_seconds if timestamp else None,
        example_secrets=_examples(scheme),
    )


def _examples(scheme: _Scheme) -> tuple[str, str, str]:
    texts = ("a secret", "another secret", "somebody else's secret")
    if scheme.key_form == "text":
        return texts
    write: Callable[[str], str] = (
        (lambda each: b64encode(each.encode()).decode()) if scheme.key_form == "base64" else _as_hex
    )
    first, second, third = (scheme.secret_prefix + write(each) for each in texts)
    return first, second, third


def _as_hex(each: str) -> str:
    return each.encode().hex()


def _summary(scheme: _Scheme) -> str:
    timed = scheme.content.timestamp
    age = f", at most {timed.tolerance_seconds} s old" if timed else ", with no time in it"
    return f"HMAC-{scheme.algorithm.upper()} in the header {scheme.header}{age}"


def _refuse(_request: Request, _secrets: Secrets) -> None:
    raise Refused("no-authentication", "the connection does not say how its vendor proves who sends", 401)


_CLOSED = Authentication(
    _refuse,
    lambda request, _secret: request,
    lambda _secret: False,
    Signature(headers=()),
    "claimed",
    "nothing: every request is refused",
)

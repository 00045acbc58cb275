"""Alter signed requests in all ways that a signature must show, so that nobody may take them any more.

``altered`` makes them of what a provider's ``Signature`` says that it covers; where a vendor signs fields instead of
bytes, a function of its own makes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import parse_qsl

from cx_channels.dry_run import FORM
from cx_channels.email.mailgun.fields import proofs_of
from cx_channels.provider import Connection, Provider, Request
from cx_channels.provider import Signature as Scheme
from cx_events.strict_json import is_json

Signer = Callable[[Request, Connection, str], Request]
Altered = Iterator[tuple[str, Request]]

STALE, AHEAD = ("stale",), ("of the future",)
TIMES = STALE + AHEAD
PROOF_TWICE = ("with its proof twice",)
"""Alterations that some libraries leave to whoever calls them."""

_SECOND = 1_000_000


class Signed(NamedTuple):
    """A signed request. ``unsigned``: what it was before; ``signs``: what signed it, with the connection's newest
    secret."""

    provider: Provider
    unsigned: Request
    connection: Connection
    signs: Signer
    request: Request

    @property
    def scheme(self) -> Scheme:
        """Return what the signature covers."""
        scheme = self.provider.scheme(self.connection)
        assert scheme is not None
        return scheme


def altered(signed: Signed) -> Altered:
    """Yield other requests, each with how it is altered."""
    yield from by_proof(signed)
    if "body" in signed.scheme.covers:
        yield from _bodies(signed.request)
    if "url" in signed.scheme.covers:
        yield from _urls(signed.request)


def altered_now(signed: Signed) -> Altered:
    """Yield what ``altered`` does but for the times, where a library signs at the present one alone."""
    yield from ((how, request) for how, request in altered(signed) if how not in TIMES)


def by_proof(signed: Signed) -> Altered:
    """Yield requests with the proof of somebody else, of another time, and a changed one."""
    scheme, request, connection = signed.scheme, signed.unsigned, signed.connection
    yield "signed by a stranger", signed.signs(request, connection, scheme.example_secrets[2])
    if "time" in scheme.covers and scheme.tolerance_seconds:
        ahead = scheme.ahead_seconds or scheme.tolerance_seconds
        for name, seconds in zip(TIMES, (-scheme.tolerance_seconds - 60, ahead + 60), strict=True):
            moved = replace(request, received=request.received + seconds * _SECOND)
            made = signed.signs(moved, connection, connection.secrets[0])
            yield name, replace(made, received=request.received)
    proofs = [(name, value) for name, value in signed.request.headers.items() if name in scheme.headers]
    for name, value in proofs:
        at = len(value) - 5  # the last letter of base64 has bits that count for nothing
        letter = "B" if value[at] not in "Bb" else "C"
        yield f"with another {name}", _with_header(signed.request, name, value[:at] + letter + value[at + 1 :])
    for name, value in proofs[:1]:
        yield PROOF_TWICE[0], _with_header(signed.request, name, f"{value}, {value}")


def _with_header(request: Request, name: str, value: str) -> Request:
    return replace(request, headers={**request.headers, name: value})


def _bodies(request: Request) -> Altered:
    body, middle = request.body, len(request.body) // 2
    yield "with the last bit turned", _with_body(request, body[:-1] + bytes([body[-1] ^ 1]))
    yield "with a bit in the middle turned", _with_body(request, _turned(body, middle))
    yield "with a blank more", _with_body(request, body + b" ")
    if request.content_type == FORM:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        yield "without its last field", _with_body(request, body.rpartition(b"&")[0])
        yield "with a field more", _with_body(request, body + b"&extra=1")
        yield "with its first field again", _with_body(request, body + f"&{fields[0][0]}=another".encode())
    else:
        yield "cut", _with_body(request, body[:-1])
    if is_json(request.content_type):
        yield from (("written anew", _with_body(request, each)) for each in _written_anew(body))


def _turned(body: bytes, place: int) -> bytes:
    """Return a body with a bit turned at a place, or after it, where a letter or digit stands: it stays a text."""
    while place < len(body) - 1 and not chr(body[place]).isalnum():
        place += 1
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def _written_anew(body: bytes) -> Iterator[bytes]:
    """Yield JSON in other bytes than the vendor's: what is signed is what came."""
    try:
        value = json.loads(body)
    except ValueError:
        return
    spaced = json.dumps(value, indent=1).encode()
    if spaced != body:
        yield spaced


def _urls(request: Request) -> Altered:
    yield "at another address", replace(request, url=request.url.replace("/acme", "/acne", 1))
    yield "with another query", replace(request, url=f"{request.url}{'&' if '?' in request.url else '?'}extra=1")


def _with_body(request: Request, body: bytes) -> Request:
    return replace(request, body=body)


# --- where fields are signed -----------------------------------------------------------------------------------------


def other_token(signed: Signed) -> Altered:
    """Yield requests of Mailgun's with another proof: the timestamp and the token are all that is signed."""
    yield from by_proof(signed)
    token = proofs_of(signed.request, signed.connection)[0][1].encode()
    yield "with another token", _with_body(signed.request, signed.request.body.replace(token, b"x" + token[1:]))


def other_channel(signed: Signed) -> Altered:
    """Yield requests of Microsoft's with another of what the token and its key are for."""
    yield from by_proof(signed)
    told = json.loads(signed.request.body)
    for name, value in (("serviceUrl", "https://evil.example/"), ("channelId", "telegram")):
        yield f"with another {name}", _with_body(signed.request, json.dumps({**told, name: value}).encode())


def other_fields(signed: Signed) -> Altered:
    """Yield messages of SNS with another value of each field that is signed."""
    yield from by_proof(signed)
    told = json.loads(signed.request.body)
    for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"):
        if name in told:
            yield (
                f"with another {name}",
                _with_body(signed.request, json.dumps({**told, name: f"{told[name]}0"}).encode()),
            )
    added = {"Subject": "another"} if "Subject" not in told else {"SignatureVersion": "3"}
    yield "with a field more", _with_body(signed.request, json.dumps({**told, **added}).encode())

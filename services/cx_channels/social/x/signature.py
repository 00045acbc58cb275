"""Check X's proof: ``x-twitter-webhooks-signature``, ``sha256=`` and the base64 HMAC-SHA256 of the body under the app's
consumer secret; and its challenge (CRC), whose answer is the same function of a token.

docs.x.com/x-api/webhooks/quickstart. Whoever asks ``?crc_token=TEXT`` gets a signature of TEXT: a token is answered
only if it is of an opaque shape, which no delivery's body has.
"""

from __future__ import annotations

import re

import msgspec

from cx_channels.kit.signing import check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Answer, Connection, Request, Signature
from cx_events.errors import Refused

HEADER = "x-twitter-webhooks-signature"
PARAMETER = "crc_token"

_TOKEN = re.compile(r"[A-Za-z0-9+/=_ -]{1,128}", re.ASCII)
_PREFIX = "sha256="

SIGNATURE = Signature(
    headers=(HEADER,),
    gaps={
        "url": "X signs the body alone (webhooks/quickstart)",
        "time": "no time is signed; the id of what happened makes a replay the same event",
    },
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as X sends it, signed with a consumer secret."""
    return with_headers(request, {HEADER: _PREFIX + hmac_of(secret, request.body, encoding="base64")})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's consumer secrets signed the body."""
    given = request.headers.get(HEADER)
    check_signature(given, [request.body], connection.secrets, header=HEADER, encoding="base64", prefix=_PREFIX)


def challenge(request: Request, connection: Connection) -> Answer | None:
    """Answer X's check of the address, under the newest secret. ``Refused`` (401) without a secret, or for a token
    that could be a body."""
    tokens = [value for name, value in request.query if name == PARAMETER]
    if request.method != "GET" or not tokens:
        return None
    if len(tokens) > 1 or not _TOKEN.fullmatch(tokens[0]):
        raise Refused("bad-challenge", f"{PARAMETER} is none of X's: it holds other characters, or is too long", 401)
    secret = next(iter(connection.secrets), "")
    if not secret.strip():
        raise Refused("no-secret", "the connection has no consumer secret to answer the check with", 401)
    answer = _PREFIX + hmac_of(secret, tokens[0].encode(), encoding="base64")
    return Answer(body=msgspec.json.encode({"response_token": answer}), content_type="application/json")

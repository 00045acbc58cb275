"""Check a secret that a request carries in ``Authorization``: a name and a password (RFC 7617, Basic) or a token (RFC
6750, Bearer). It covers nothing of the request; only TLS keeps that whole."""

from __future__ import annotations

import binascii
from base64 import b64encode
from collections.abc import Collection

from cx_channels.kit.signing import any_same, with_headers
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

HEADER = "authorization"
_SENT_ALONE = "a secret is sent with the request and covers nothing of it; TLS does"
_NONE_OF_OURS = "is none of the connection's secrets"


def signature(*examples: str) -> Signature:
    """Return what such a secret covers, which is nothing. ``examples``: three secrets."""
    first, second, third = examples
    return Signature(
        headers=(HEADER,),
        covers=frozenset(),
        gaps={"body": _SENT_ALONE, "url": _SENT_ALONE, "time": _SENT_ALONE},
        example_secrets=(first, second, third),
    )


def basic(request: Request, secret: str) -> Request:
    """Return the request with a secret ``NAME:PASSWORD``, as Basic has it."""
    return with_headers(request, {HEADER: f"Basic {b64encode(secret.encode()).decode()}"})


def bearer(request: Request, secret: str) -> Request:
    """Return the request with a secret as Bearer has it."""
    return with_headers(request, {HEADER: f"Bearer {secret}"})


def check_sent(
    request: Request, connection: Connection, schemes: Collection[str], *, parameter: str = "", wrong: int = 401
) -> None:
    """Raise ``Refused`` unless the request carries one of the connection's secrets: 401 where there is none, ``wrong``
    where it is another one. ``schemes``: ``basic``, ``bearer``, or both.

    ``parameter``: of the query, which may carry the secret instead, for vendors that can send no header. Where both
    do, both must be right.
    """
    secrets = [secret for secret in connection.secrets if secret.strip(": ")]
    passwords = [secret for secret in secrets if ":" in secret]
    queried = [value for name, value in request.query if parameter and name == parameter]
    header = request.headers.get(HEADER, "").strip()
    if not header and not queried:
        more = f", and no parameter {parameter}" if parameter else ""
        raise Refused("missing-signature", f"the request has no header Authorization{more}", 401)
    if header:
        scheme, _, given = header.partition(" ")
        kind = scheme.lower()
        if kind not in schemes or not given.strip():
            raise Refused("missing-signature", f"the request has no {' or '.join(sorted(schemes)).title()}", 401)
        fits = (
            any_same(decode_basic(given.strip()), passwords) if kind == "basic" else any_same(given.strip(), secrets)
        )  # fmt: skip
        if not fits:
            raise Refused("bad-signature", f"Authorization {_NONE_OF_OURS}", wrong)
    for value in queried:
        if not any_same(value, secrets):
            raise Refused("bad-signature", f"the parameter {parameter} {_NONE_OF_OURS}", wrong)


def decode_basic(given: str) -> str:
    """Return ``NAME:PASSWORD``; "" for what is neither base64 nor UTF-8, which is nobody's."""
    try:
        return binascii.a2b_base64(given.encode("ascii"), strict_mode=True).decode("utf-8")
    except ValueError:
        return ""

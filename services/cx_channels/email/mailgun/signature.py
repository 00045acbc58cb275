"""Check Mailgun's proof: in the body, the hex HMAC-SHA256 of timestamp and token under the HTTP webhook signing key.

documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks. Nothing else is signed: whoever has a
request can send another body with its proof. So a time has a window, and an event about sent mail has the token for an
id: another content under the same token is a conflict and no second event.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec

from cx_channels.email.mailgun.fields import PROOF, is_json, proofs_of, read_form, read_webhook
from cx_channels.kit.form_parts import MULTIPART, FormPart
from cx_channels.kit.mail.mime.structured_fields import parse_structured
from cx_channels.kit.signing import any_same, check_age, sha256_hex
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

TOLERANCE_SECONDS = 32_400
"""Nine hours. A retry brings the proof of the first attempt, and Mailgun tries for eight
(.../webhooks/webhook-retries, .../receive-forward-store/receive-http)."""

_SECOND = 1_000_000
_SECONDS = re.compile(r"[0-9]{1,12}")


SIGNATURE = Signature(
    headers=(),
    covers=frozenset({"time"}),
    gaps={"url": "Mailgun signs the timestamp and the token alone (user-manual/webhooks/securing-webhooks)"},
    partly={"body": "the timestamp and the token, which stand in it, and nothing else of it"},
    tolerance_seconds=TOLERANCE_SECONDS,
)


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's signing keys made the proof within nine hours."""
    proofs = [each for each in proofs_of(request, connection) if all(each) and _SECONDS.fullmatch(each[0])]
    if not proofs:
        raise Refused("missing-signature", "the body has no timestamp, token and signature", 401)
    for proof in proofs:
        if _is_made_by(proof, connection):
            check_age(int(proof[0]) * _SECOND, request.received, TOLERANCE_SECONDS, header="timestamp")
            return
    raise Refused("bad-signature", "signature was made with none of the connection's signing keys", 401)


def token_of(request: Request, connection: Connection) -> str:
    """Return the token of a webhook, which has one proof alone: nobody can put another token beside a genuine one.
    "" where there is none."""
    return next((proof[1] for proof in proofs_of(request, connection)), "")


def _is_made_by(proof: tuple[str, str, str], connection: Connection) -> bool:
    at, token, given = proof
    signed = f"{at}{token}".encode("utf-8", "replace")
    return any_same(given.lower(), [hmac_of(secret, signed) for secret in connection.secrets if secret.strip()])


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as Mailgun sends it, signed at ``Request.received``; one that can't be read stays as it is."""
    try:
        return _signed(request, connection, secret)
    except Refused:
        return request


def _signed(request: Request, connection: Connection, secret: str) -> Request:
    at = str(request.received // _SECOND)
    token = sha256_hex(f"a token of {at}".encode())[:50]
    proof = dict(zip(PROOF, (at, token, hmac_of(secret, f"{at}{token}".encode())), strict=True))
    if is_json(request):
        rest = {name: value for name, value in request.once(read_webhook).items() if "signature" not in name}
        name = "parent-signature" if connection.settings.get("subaccounts") is True else "signature"
        return _with_body(request, msgspec.json.encode({name: proof, **rest}))
    parts = [part for part in request.once(read_form).parts if part.name not in PROOF]
    parts += [FormPart(name, value.encode()) for name, value in proof.items()]
    written = _multipart(request, parts) if request.content_type == MULTIPART else _encoded(parts)
    return _with_body(request, written)


def _with_body(request: Request, body: bytes) -> Request:
    return Request(body, request.method, request.url, request.query, request.headers, request.received)


def _encoded(parts: list[FormPart]) -> bytes:
    return "&".join(f"{quote(part.name)}={quote(part.content)}" for part in parts).encode()


def _multipart(request: Request, parts: list[FormPart]) -> bytes:
    boundary = parse_structured(request.headers["content-type"]).parameters["boundary"].encode()
    pieces = []
    for part in parts:
        named = f'form-data; name="{part.name}"'
        named += "" if part.file_name is None else f'; filename="{part.file_name}"'
        kind = part.headers.raw("content-type")
        head = f"Content-Disposition: {named}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
        pieces.append(b"--" + boundary + b"\r\n" + head.encode() + b"\r\n" + part.content + b"\r\n")
    return b"".join(pieces) + b"--" + boundary + b"--\r\n"

"""Check Vonage's proof: a JWT in ``Authorization``, signed with the account's signature secret (HS256).

developer.vonage.com/en/getting-started/concepts/webhooks, "Decoding signed webhooks". The token alone does not cover
the request: its claim ``payload_hash`` does, the SHA-256 of the body as it came, or, of a GET, of its query as JSON: an
object with the names in their order, no blanks, all values texts (api.support.vonage.com, article 19033783342876).
``iat`` is when it was signed; each attempt is signed anew.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from cx_channels.kit.json_values import obj
from cx_channels.kit.signing import any_same, check_age, same, sha256_hex, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Connection, Request, Signature
from cx_events import strict_json
from cx_events.errors import Refused

HEADER = "Authorization"
TOLERANCE = 300

_SECOND = 1_000_000
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]{1,1000})\.([A-Za-z0-9_-]{1,4000})\.([A-Za-z0-9_-]{43})", re.IGNORECASE)

SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    covers=frozenset({"body", "time"}),
    gaps={"url": "payload_hash covers a GET's query by its values, and no path"},
    tolerance_seconds=TOLERANCE,
)


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as Vonage sends it, signed with a signature secret at ``Request.received``."""
    at = request.received // _SECOND
    digest = payload_hash(request)
    claims = {"iat": at, "jti": sha256_hex(f"{digest}{at}".encode())[:32], "iss": "Vonage", "payload_hash": digest}
    if application := connection.settings.get("application"):
        claims["application_id"] = str(application)
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    proof = urlsafe_b64encode(bytes.fromhex(hmac_of(secret, signed.encode()))).rstrip(b"=").decode()
    return with_headers(request, {HEADER: f"Bearer {signed}.{proof}"})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's secrets signed a token for just this request, lately.

    The setting ``application``: the id of the application whose requests are taken; the secret is the account's.
    """
    given = request.headers.get(HEADER.lower(), "").strip()
    if not given:
        raise Refused("missing-signature", f"the request has no header {HEADER}", 401)
    match = _BEARER.fullmatch(given)
    if match is None:
        raise _refused("is no bearer token of three parts")
    signed = f"{match[1]}.{match[2]}"
    proofs = [
        urlsafe_b64encode(bytes.fromhex(hmac_of(secret, signed.encode()))).rstrip(b"=").decode()
        for secret in connection.secrets
        if secret.strip()
    ]
    if obj(_decoded(match[1])).get("alg") != "HS256" or not any_same(match[3], proofs):
        raise _refused("was made with none of the connection's secrets")
    claims = obj(_decoded(match[2]))
    if not same(str(claims.get("payload_hash")).lower(), payload_hash(request)):
        raise _refused("is for another body: payload_hash differs")
    application = connection.settings.get("application")
    if application and claims.get("application_id") != str(application):
        raise _refused("is of another application than the connection's")
    at = claims.get("iat")
    if not isinstance(at, int) or isinstance(at, bool):
        raise _refused("has no iat")
    check_age(at * _SECOND, request.received, TOLERANCE, header=f"{HEADER}: iat")


def payload_hash(request: Request) -> str:
    """Return the SHA-256 of what is signed: the body, or a GET's query as JSON."""
    if request.method != "GET":
        return sha256_hex(request.body)
    values: dict[str, Any] = {}
    for name, value in request.query:
        values[name] = value if name not in values else [*_listed(values[name]), value]
    return sha256_hex(msgspec.json.encode(values))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _encoded(value: Any) -> str:
    return urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def _decoded(part: str) -> Any:
    """Return what a part says; nothing where it is no JSON."""
    try:
        return strict_json.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, Refused):
        return None


def _refused(why: str) -> Refused:
    return Refused("bad-signature", f"the token in {HEADER} {why}", 401)

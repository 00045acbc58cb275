"""Check Slack's proof: ``X-Slack-Signature``, the hex HMAC-SHA256 of ``v0:TIMESTAMP:BODY`` under the signing secret.

docs.slack.dev/authentication/verifying-requests-from-slack. ``token`` in a body is the old verification token and
proves nothing.
"""

from __future__ import annotations

import re

from cx_channels.chat.slack.notice import read_json
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.signing import check_age, check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Answer, Connection, Request, Signature
from cx_events.errors import Refused

HEADER = "X-Slack-Signature"
TIME_HEADER = "X-Slack-Request-Timestamp"
TOLERANCE_SECONDS = 300

_SECONDS = re.compile(r"[0-9]{1,12}")
_SECOND = 1_000_000

SIGNATURE = Signature(
    headers=(HEADER.lower(), TIME_HEADER.lower()),
    covers=frozenset({"body", "time"}),
    gaps={"url": "Slack signs the time and the body alone (verifying-requests-from-slack)"},
    tolerance_seconds=TOLERANCE_SECONDS,
)


def _signed(at: str, body: bytes) -> bytes:
    return f"v0:{at}:".encode("utf-8", "replace") + body


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Slack sends it, signed with a signing secret at the time of receipt."""
    at = str(request.received // _SECOND)
    return with_headers(request, {TIME_HEADER: at, HEADER: f"v0={hmac_of(secret, _signed(at, request.body))}"})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's signing secrets signed the body within five minutes."""
    at = request.headers.get(TIME_HEADER.lower(), "")
    if not _SECONDS.fullmatch(at):
        raise Refused("missing-signature", f"{TIME_HEADER} is no time in whole seconds", 401)
    given = request.headers.get(HEADER.lower())
    check_signature(given, [_signed(at, request.body)], connection.secrets, header=HEADER, prefix="v0=")
    check_age(int(at) * _SECOND, request.received, TOLERANCE_SECONDS, header=TIME_HEADER)


def challenge(request: Request, connection: Connection) -> Answer | None:
    """Answer Slack's question whether the address is there with its challenge (docs.slack.dev/apis/events-api, "URL
    verification"). It is signed like every request, and refused where it is not."""
    if request.method != "POST" or b"url_verification" not in request.body:
        return None
    try:
        asked = obj(request.once(read_json))
    except Refused:
        return None
    if asked.get("type") != "url_verification":
        return None
    verify(request, connection)
    return Answer(body=text(asked.get("challenge")).encode("utf-8", "replace"))

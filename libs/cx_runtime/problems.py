"""Answer errors as HTTP says them: problem documents (RFC 9457), alike in every service.

    {"type": "urn:throughline:problem:bad-signature", "title": "Unauthorized", "status": 401,
     "detail": "the signature does not match", "reason": "bad-signature"}

``reason`` is the stable, countable word that programs test; ``type`` is the same as a URI; ``detail`` is for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cx_events.errors import Busy, NotSetUp, Refused, TooFast, TryLater
from cx_runtime.in_flight import pause

MEDIA_TYPE = "application/problem+json"

_CHALLENGE = 'Bearer realm="throughline"'
_CHALLENGES = {
    "no-key": _CHALLENGE,
    "bad-key": f'{_CHALLENGE}, error="invalid_token"',
    "session-over": _CHALLENGE,
    "missing-scope": f'{_CHALLENGE}, error="insufficient_scope"',
    "no-credentials": 'Basic realm="throughline", charset="UTF-8"',
    "bad-credentials": 'Basic realm="throughline", charset="UTF-8"',
}
"""What a refused bearer is told (RFC 6750, section 3), and who comes without name and password (RFC 7617, section 2):
some clients send those only when they are asked."""

# A 401 must name a scheme (RFC 9110, section 15.5.2); a provider's signature has none that is registered.
_SIGNED = 'Signature realm="throughline"'


_PACED = frozenset({401, 403, 404, 408, 413, 429})
"""What can be asked for again and again at little cost."""


class _Refusal(Response):
    """Not said at once to whoever is refused again and again (``cx_runtime.in_flight``)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await pause(self.status_code)
        await super().__call__(scope, receive, send)


def problem(
    status: int,
    reason: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
    *,
    paced: bool = False,
) -> Response:
    """A problem document as a response. ``more``: further members. ``paced``: it costs as little to ask for as what
    ``_PACED`` says."""
    body = {
        "type": f"urn:throughline:problem:{reason}",
        "title": _title(status),
        "status": status,
        "detail": detail,
        "reason": reason,
        **(more or {}),
    }
    kind = _Refusal if paced or status in _PACED else Response
    response = kind(msgspec.json.encode(body), status, headers, MEDIA_TYPE)
    if status == 401 or reason in _CHALLENGES:
        response.headers["www-authenticate"] = _CHALLENGES.get(reason, _SIGNED)
    if status == 408:  # the rest of the body will hardly come now
        response.headers["connection"] = "close"
    return response


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def refused(error: Refused, headers: Mapping[str, str] | None = None) -> Response:
    """The sender's fault, said to the sender."""
    return problem(error.status, error.reason, error.detail, headers)


def told(error: Busy | TooFast) -> Response:
    """More than there is room for, or more than one's share of it."""
    if isinstance(error, Busy):
        return try_later(error)
    return refused(error, {"retry-after": str(error.retry_after)})


def raw(error: Busy | TooFast) -> bytes:
    """The same as bytes of HTTP/1.1, for a connection of which nothing is read."""
    response = told(error)
    lines = [f"HTTP/1.1 {response.status_code} {_title(response.status_code)}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*lines, b"connection: close", b"", bytes(response.body)])


def try_later(error: TryLater) -> Response:
    """503 does not mean *not stored*, except for ``Busy``; sending again is always safe."""
    if isinstance(error, Busy):
        later = {"retry-after": str(error.retry_after)}
        paced = isinstance(error, NotSetUp)  # as cheap to ask for as a refusal, and lasting
        return problem(503, error.reason, error.detail, later, {"part": error.part}, paced=paced)
    detail = f"the {error.part} does not answer; send again later, which is always safe"
    return problem(503, "try-later", detail, {"retry-after": str(error.retry_after)}, {"part": error.part})

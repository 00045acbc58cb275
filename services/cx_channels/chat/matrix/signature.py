"""Check a homeserver's proof: the application service's ``hs_token``, as ``Authorization: Bearer`` and, of older
versions, as ``?access_token=`` (spec.matrix.org/latest/application-service-api, "Authorization"). Nothing is signed.
"""

from __future__ import annotations

from cx_channels.kit.sent_secret import bearer, check_sent, signature
from cx_channels.provider import Connection, Request

PARAMETER = "access_token"

SIGNATURE = signature("a-secret", "another-secret", "somebody-elses")


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as a homeserver sends it."""
    return bearer(request, secret)


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused``: 401 without a token, 403 for a wrong one. Where both places have one, both must be right."""
    check_sent(request, connection, ("bearer",), parameter=PARAMETER, wrong=403)

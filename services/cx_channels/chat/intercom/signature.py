"""Intercom's proof: ``X-Hub-Signature``, ``sha1=`` and the hex HMAC-SHA1 of the body under the app's client secret.

developers.intercom.com/docs/references/2.16/webhooks/webhook-models, "Signed notifications". The signed body holds no
time of signing that could be checked: ``first_sent_at`` may rightly lie far back, since Intercom stores notifications
while it is disturbed.
"""

from __future__ import annotations

from cx_channels.kit.signing import check_signature
from cx_channels.provider import Answer, Connection, Request

HEADER = "X-Hub-Signature"


def verify(request: Request, connection: Connection) -> None:
    """``Refused`` (401) unless one of the connection's client secrets signed the body."""
    given = request.headers.get(HEADER.lower())
    check_signature(given, [request.body], connection.secrets, header=HEADER, algorithm="sha1", prefix="sha1=")


def challenge(request: Request, _connection: Connection) -> Answer | None:
    """200 to a HEAD, by which Intercom checks that an address is there before it is saved
    (developers.intercom.com/docs/webhooks/setting-up-webhooks). It is not signed and proves nothing."""
    return Answer() if request.method == "HEAD" else None

"""Check Intercom's proof: ``X-Hub-Signature``, ``sha1=`` and the hex HMAC-SHA1 of the body under the app's client
secret.

developers.intercom.com/docs/references/2.16/webhooks/webhook-models, "Signed notifications". The signed body holds no
time of signing that could be checked: ``first_sent_at`` may rightly lie far back, since Intercom stores notifications
while it is disturbed.
"""

from __future__ import annotations

from cx_channels.kit.signing import check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.provider import Answer, Connection, Request, Signature

HEADER = "X-Hub-Signature"


SIGNATURE = Signature(
    headers=(HEADER.lower(),),
    gaps={
        "url": 'Intercom signs the notification alone (webhook-models, "Signed notifications")',
        "time": "no time of signing is signed, and what was stored during a disturbance rightly comes late",
    },
)


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Intercom sends it, signed with the app's client secret."""
    return with_headers(request, {HEADER: f"sha1={hmac_of(secret, request.body, 'sha1')}"})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's client secrets signed the body."""
    given = request.headers.get(HEADER.lower())
    check_signature(given, [request.body], connection.secrets, header=HEADER, algorithm="sha1", prefix="sha1=")


def challenge(request: Request, _connection: Connection) -> Answer | None:
    """Answer 200 to a HEAD, by which Intercom checks that an address is there before it is saved
    (developers.intercom.com/docs/webhooks/setting-up-webhooks). It is not signed and proves nothing."""
    return Answer() if request.method == "HEAD" else None

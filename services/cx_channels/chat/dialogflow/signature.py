"""Check Dialogflow's proof: a name and a password, or a token, in ``Authorization`` as the webhook is set up.

docs.cloud.google.com/dialogflow/es/docs/fulfillment-webhook ("Authentication") and .../cx/docs/concept/webhook. A
Pub/Sub subscription that pushes can send no header of one's own: its endpoint's address carries ``?token=``.
"""

from __future__ import annotations

from cx_channels.kit.sent_secret import basic, check_sent, signature
from cx_channels.provider import Connection, Request

SIGNATURE = signature("hub:a-secret", "hub:another-secret", "hub:somebody-elses")


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Dialogflow sends it, with a name and a password."""
    return basic(request, secret)


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the request carries one of the connection's secrets."""
    check_sent(request, connection, ("basic", "bearer"), parameter="token")

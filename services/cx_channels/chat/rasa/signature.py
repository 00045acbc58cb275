"""Rasa signs nothing: whoever relays an event broker's records sends one of the connection's secrets as a Bearer token.

rasa.com/docs/reference/integrations/event-brokers: a custom broker, or a consumer of Kafka or RabbitMQ, posts them.
"""

from __future__ import annotations

from cx_channels.kit.sent_secret import bearer, check_sent, signature
from cx_channels.provider import Connection, Request

SIGNATURE = signature("a-secret", "another-secret", "somebody-elses")


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as a relay sends it."""
    return bearer(request, secret)


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless the request carries one of the connection's secrets."""
    check_sent(request, connection, ("bearer",))

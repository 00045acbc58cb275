"""Map WhatsApp's deliveries, at a door of their own; the kinds are those of ``kit.whatsapp``."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.kit.whatsapp import mapping
from cx_channels.provider import Connection, Ignored, Mapped, Request

CHECK = "subscription-check"
_WHY = "a GET carries no events; its answer is the challenge"

DOCUMENTED: Mapping[str, str] = {**mapping.DOCUMENTED, CHECK: f"ignored: {_WHY}"}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map all notices of a delivery, in order. Raise ``Refused("malformed")`` for a body that is no delivery."""
    if request.method == "GET":
        return Mapped(ignored=(Ignored(CHECK, _WHY),))
    return mapping.map_delivery(request.body, connection)


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a delivery's notices, as ``DOCUMENTED`` names them."""
    return () if request.method == "GET" else mapping.kinds_in(request.body)

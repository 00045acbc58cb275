"""Hand on one message or record, as it is mapped."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.pollers.source import Delivery, SourcePorts
from cx_channels.provider import FETCHED, Request, Unmapped


def delivery_of(id: str, body: bytes, headers: Mapping[str, str], ports: SourcePorts, lost: str = "") -> Delivery:
    """Return a delivery. ``id``: AWS's own of it, for a dead letter; ``lost``: why it can't be mapped, "" if it can."""
    if not lost and len(body) > ports.max_bytes:
        lost = f"too-large: it has {len(body)} bytes, CX_MAX_MAIL allows {ports.max_bytes}"
    request = Request(body, FETCHED, headers={"content-type": "application/json", **headers}, received=ports.now())
    return Delivery(request, Unmapped(id, lost, body) if lost else None)

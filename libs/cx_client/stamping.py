"""Give an event that states no time the present one, where it may be sent much later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from cx_client.core.batches import EncodedEvent, encode_event
from cx_events.timestamps import format_time


def stamped(event: Mapping[str, Any]) -> EncodedEvent:
    """Return an event with its ``time``, as bytes. Raises ``Refused`` for what is no JSON object."""
    if isinstance(event, Mapping) and event.get("time") is None:
        event = {**event, "time": format_time(time.time_ns() // 1000)}
    return encode_event(event)

"""Times as Meta writes them."""

from __future__ import annotations

import re
from typing import Any

from cx_channels.kit.json_values import text
from cx_events.timestamps import Micros

_WHOLE = re.compile(r"[0-9]{1,18}")
_YEAR_9999 = 253_370_764_800_000_000  # microseconds; RFC 3339 has no room for what comes after
_SECONDS_BELOW = 100_000_000_000
_MILLISECONDS_BELOW = 100_000_000_000_000


def micros(value: Any) -> Micros | None:
    """A Unix time: Meta writes seconds in feeds, milliseconds in messages, and both at entries."""
    written = text(value)
    if not _WHOLE.fullmatch(written):
        return None
    at = int(written)
    if at < _SECONDS_BELOW:
        at *= 1_000_000
    elif at < _MILLISECONDS_BELOW:
        at *= 1000
    return at if 0 < at < _YEAR_9999 else None

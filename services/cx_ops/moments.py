"""Read a moment that an operator names: a time, or how long ago."""

from __future__ import annotations

import re
import time

from cx_events.errors import Refused
from cx_events.timestamps import Micros, parse_time

_AGO = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def read_moment(text: str, name: str, now: float | None = None) -> Micros:
    """Return a time that is RFC 3339, or so long ago (``90s``, ``10m``, ``6h``, ``2d``), in µs since 1970.

    ``now``: seconds since 1970, the machine's clock unless given. Raises ``Refused("bad-time", 400)``.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        at = time.time() if now is None else now
        return int((at - int(ago[1]) * _SECONDS[ago[2]]) * 1_000_000)
    try:
        return parse_time(text)
    except Refused as error:
        raise Refused("bad-time", f"{name}: {error.detail}, and no time ago like 10m or 6h either", 400) from None

"""Read durations of the configuration: ``90s``, ``2m``, ``72h``, ``3d``."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(\d{1,9})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(value: object) -> object:
    """Return the seconds of a duration; a number is returned as it is. Raises ``ValueError``."""
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a duration like 72h, 90m or 3d")
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not a duration like 72h, 90m or 3d")
    return int(match[1]) * _SECONDS[match[2]]

"""Read which codings of content a client takes."""

from __future__ import annotations

import re

_NO_WEIGHT = re.compile(r"q=0(\.0{0,3})?")


def takes_gzip(accepted: str) -> bool:
    """Return whether an ``Accept-Encoding`` (RFC 9110, section 12.5.3) names gzip with a weight above zero. ``*`` is
    not taken for it: who says only that would take anything, and most can't read a stream that is compressed."""
    for each in accepted.split(",")[:32]:
        coding, _, weight = each.partition(";")
        if coding.strip().lower() in ("gzip", "x-gzip"):
            return _NO_WEIGHT.fullmatch(weight.replace(" ", "").lower()) is None
    return False

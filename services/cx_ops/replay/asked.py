"""Read what an operator asks to have replayed, and how ranges are written. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec import Struct

from cx_events.errors import Refused
from cx_events.log import INTERACTIONS
from cx_ops.moments import read_moment

_place = re.compile(r"([0-9]{1,5})/([0-9]{1,18})")
_speed = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)x?")


class Asked(Struct, frozen=True, kw_only=True):
    """``begin`` and ``end``: as they were written, empty for the topic's. ``where``: a filter. ``customer``: by any id.
    ``target``: without a password. ``rate``: records a second. ``speed``: how many times faster than recorded."""

    topic: str
    begin: str = ""
    end: str = ""
    where: str = ""
    customer: str = ""
    target: str
    rate: float | None = None
    speed: float | None = None


class ReplayRequest(Struct, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}):
    """The body of a plan or a start, as the options of ``cx replay``. ``secret`` is kept nowhere."""

    target: str
    topic: str = INTERACTIONS
    begin: str = ""
    end: str = ""
    where: str = ""
    customer: str = ""
    rate: float | None = None
    speed: str = ""
    secret: str = ""
    why: str = ""


class ReplayActRequest(Struct, forbid_unknown_fields=True):
    """The body of an act on a replay. ``secret``: again, where the target is a URL."""

    why: str = ""
    secret: str = ""


class Bound(NamedTuple):
    """One end of a range: a time in ms, or an offset of one partition."""

    at: int | None = None
    partition: int | None = None
    offset: int | None = None


def read_bound(text: str, name: str) -> Bound:
    """Return a bound: RFC 3339, a time ago (``10m``), or ``PARTITION/OFFSET``. Raises ``Refused("bad-range", 400)``."""
    if not text:
        return Bound()
    found = _place.fullmatch(text)
    if found is not None:
        return Bound(None, int(found[1]), int(found[2]))
    try:
        return Bound(read_moment(text, name) // 1000)
    except Refused as error:
        raise Refused("bad-range", f"{error.detail}, and no place like 3/1200 (partition/offset)", 400) from None


def read_speed(text: str) -> float | None:
    """Return how many times faster, from ``10x`` or ``0.5``; None for nothing. Raises ``Refused("bad-speed", 400)``."""
    if not text:
        return None
    found = _speed.fullmatch(text)
    if found is None or float(found[1]) <= 0:
        raise Refused("bad-speed", f"--speed: {text[:40]!r} is no speed like 10x", 400)
    return float(found[1])

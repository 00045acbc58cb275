"""Read JSON values of a vCon without trust: a value of another shape counts as absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros, parse_time

_MAX_SECONDS = 1e10
_MAX_TIME = 64


def text(value: Any) -> str:
    """Return a string; "" for anything else."""
    return value if isinstance(value, str) else ""


def obj(value: Any) -> Json:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """Return the members of an array, with empty objects for others, since references count places."""
    return [obj(each) for each in value] if isinstance(value, list) else []


def index(value: Any, count: int) -> int | None:
    """Return a place in an array of ``count`` members; None for anything else."""
    return value if type(value) is int and 0 <= value < count else None


def indexes(value: Any, count: int) -> list[int]:
    """Return all places in a value: one, a list, or a list of lists (one per channel)."""
    found = (index(each, count) for each in flat(value))
    return list(dict.fromkeys(each for each in found if each is not None))


def flat(value: Any) -> Iterator[Any]:
    """Yield the leaves of nested lists."""
    waiting = [value]
    while waiting:
        at = waiting.pop()
        if isinstance(at, list):
            waiting += reversed(at)
        else:
            yield at


def duration(value: Any) -> int | None:
    """Return a number of seconds in milliseconds; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_SECONDS:
        return None
    return round(value * 1000)


def time(value: Any) -> Micros | None:
    """Return a time in RFC 3339, as the drafts require, or in a form of older writers; None for anything else.

    These forms are: no offset (meaning UTC), an offset without a colon, RFC 5322, seconds since 1970.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value * 1_000_000) if 0 <= value <= _MAX_SECONDS else None
    given = text(value).strip()
    if not 0 < len(given) <= _MAX_TIME:
        return None
    for form in _forms(given):
        try:
            return parse_time(form)
        except Refused:
            continue
    try:
        moment = parsedate_to_datetime(given)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if not 1 < moment.year < 9999:
        return None
    # An offset of -0000 says that UTC is meant and nothing is known of the zone (RFC 5322, section 3.3).
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1_000_000)


def _forms(given: str) -> Iterable[str]:
    yield given
    if given[:4].isdecimal():
        yield given + "Z"
        if given[-5:-4] in ("+", "-") and given[-4:].isdecimal():
            yield f"{given[:-2]}:{given[-2:]}"

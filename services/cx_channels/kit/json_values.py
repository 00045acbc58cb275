"""Read somebody else's JSON without trust: a value of another shape counts as absent."""

from __future__ import annotations

from typing import Any

from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import DEFAULT_LIMITS, Limits, decode_mended, decode_written, mend_surrogates

_WRITTEN = (str, int, float)


def text(value: Any) -> str:
    """Return text, or a whole number as text: ids come as both. "" for anything else."""
    if isinstance(value, str):
        return value
    if value is None:  # half of all that is asked for is absent
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def read_object(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Json:
    """Return a body that is a JSON object, with U+FFFD for lone surrogates. ``Refused("malformed")`` for any other."""
    try:
        value = decode_mended(body, limits)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    if not isinstance(value, dict):
        raise Refused("malformed", "the JSON body is no object")
    return value


def read_written(body: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Json, bytes]:
    """Return a body as ``read_object`` does, and the object as JSON on one line, for an event that keeps all of it:
    most bodies are that already, and need not be written again."""
    try:
        value, written = decode_written(mend_surrogates(body), limits)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    if not isinstance(value, dict):
        raise Refused("malformed", "the JSON body is no object")
    return value, written


def obj(value: Any) -> Json:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """Return the objects of a list; none for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Return the texts of a list that are not empty, whole numbers as text; none for anything else."""
    return [found for each in value if (found := text(each))] if isinstance(value, list) else []


def first(*values: Any) -> str:
    """Return the first that is text and not empty, else ""."""
    for value in values:  # a generator costs more than all else here
        if isinstance(value, str):
            if value:
                return value
        elif value is not None and (found := text(value)):
            return found
    return ""


def first_of(value: Json, *names: str) -> str:
    """Return the first of some members that is text and not empty, else ""."""
    for name in names:
        if name in value and (found := text(value[name])):
            return found
    return ""


def number(value: Any) -> float | None:
    """Return a number, or text that is one; None for anything else, and from 10^15 on."""
    try:
        found = float(value) if isinstance(value, _WRITTEN) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and abs(found) < 1e15 else None


def whole(value: Any) -> int | None:
    """Return a whole number from 0 on, as of bytes; None for anything else, text and booleans among it."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def written(value: Any) -> str:
    """Return text, or a number as text, a whole one without a point; "" for anything else."""
    return str(exact(value)) if isinstance(value, float) else text(value)


def exact(value: float) -> int | float:
    """Return a whole number as such, below 2^53, from where on a float leaves some out."""
    return int(value) if abs(value) < 2**53 and value.is_integer() else value

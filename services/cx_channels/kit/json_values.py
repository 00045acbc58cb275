"""Values of somebody else's JSON, read without trust: what is of another shape counts as absent."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def text(value: Any) -> str:
    """Text, or a whole number as text: ids come as both."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def obj(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    return [found for each in value if (found := text(each))] if isinstance(value, list) else []


def first(*values: Any) -> str:
    """The first that is a text and not empty."""
    return next((found for value in values if (found := text(value))), "")


def number(value: Any) -> float | None:
    """A number, or text that is one."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and abs(found) < 1e15 else None

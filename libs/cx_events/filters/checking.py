"""Check a filter against the fields of a topic, and bring its values into the forms that records have."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import cast

from cx_events.errors import Refused
from cx_events.filters.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Has,
    Negation,
    OneOf,
    Order,
    Ordered,
    Pattern,
    Present,
    Test,
)
from cx_events.filters.fields import Field, find_field
from cx_events.filters.syntax import NEGATIONS, ORDERING, And, BadFilter, Comparison, Expression, Not, Or, Value
from cx_events.timestamps import Micros, parse_time

_number = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,3})?")
_day = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUTH = {"true": True, "false": False}

Fields = dict[str, Field]


def check(expression: Expression, topic: str) -> tuple[Condition, Fields]:
    """Return the condition that a filter sets for the records of a topic, and its fields by their texts.

    Raises ``BadFilter``: an unknown field, an operator or a value that does not suit it.
    """
    fields: Fields = {}
    return _checked(expression, topic, fields), fields


def _checked(expression: Expression, topic: str, fields: Fields) -> Condition:
    match expression:
        case Comparison():
            return _compared(expression, topic, fields)
        case Not(term):
            return Negation(_checked(term, topic, fields))
        case And(terms):
            return AllOf(tuple(_checked(term, topic, fields) for term in terms))
        case Or(terms):
            return AnyOf(tuple(_checked(term, topic, fields) for term in terms))


def _compared(comparison: Comparison, topic: str, fields: Fields) -> Condition:
    field = find_field(comparison, topic)
    fields[field.text] = field
    operator = comparison.operator
    if operator in ORDERING:
        return Has(field.text, (_ordered(comparison, field),))
    found = Has(field.text, tuple(_equal(value, field) for value in comparison.values))
    return Negation(found) if operator in NEGATIONS else found


def _ordered(comparison: Comparison, field: Field) -> Ordered:
    if field.kind not in ("time", "number", "any"):
        raise BadFilter(
            comparison.operator_at, f"{comparison.operator} compares times and numbers; {field.text} is {_kind(field)}"
        )
    (value,) = comparison.values
    bound = _time_of(value) if field.kind == "time" else _number_of(value, field)
    return Ordered(cast(Order, comparison.operator), bound)


def _equal(value: Value, field: Field) -> Test:
    if len(value.pieces) > 1:
        return _fitting(value, field)
    read = _READERS.get(field.kind)
    if read is not None:
        return OneOf((read(value, field),))
    (text,) = value.pieces
    if field.kind == "object":
        raise BadFilter(value.at, f"{field.text} is an object: compare one of its fields, or ask for any with =*")
    if field.kind == "any" and value.is_bare:
        return OneOf((text, *_read_bare(text)))
    return OneOf((text,))


def _fitting(value: Value, field: Field) -> Test:
    if value.pieces == ("", "") and value.is_bare:
        return Present()
    if field.kind not in ("text", "any"):
        raise BadFilter(value.at, f"{field.text} is {_kind(field)}: a pattern does not suit it, but for * alone")
    return Pattern(value.pieces)


def _kind(field: Field) -> str:
    return {"any": "anything", "object": "an object"}.get(field.kind, f"a {field.kind}")


def _read_bare(text: str) -> tuple[int | float | bool, ...]:
    """Return what a text means besides itself, where anything may stand."""
    if text in _TRUTH:
        return (_TRUTH[text],)
    found = _read_number(text)
    return () if found is None else (found,)


def _read_number(text: str) -> int | float | None:
    found = _number.fullmatch(text)
    if found is None:
        return None
    if found[2] is None and found[3] is None:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None


def _number_of(value: Value, field: Field) -> int | float:
    found = _read_number("*".join(value.pieces))
    if found is None:
        raise BadFilter(
            value.at, f"{field.text} is compared with a number here; {'*'.join(value.pieces)[:40]!r} is none"
        )
    return found


def _truth_of(value: Value, field: Field) -> bool:
    (text,) = value.pieces
    if text not in _TRUTH:
        raise BadFilter(value.at, f"{field.text} is true or false, not {text[:40]!r}")
    return _TRUTH[text]


def _time_of(value: Value, field: Field | None = None) -> Micros:
    """Return a time in µs: RFC 3339, or a day, which begins at midnight UTC."""
    text = "*".join(value.pieces)
    try:
        if _day.fullmatch(text):
            text = f"{date.fromisoformat(text)}T00:00:00Z"
        return parse_time(text)
    except (Refused, ValueError):
        raise BadFilter(
            value.at, f"{text[:40]!r} is no time like 2026-11-22T10:02:11Z and no day like 2026-11-22"
        ) from None


_READERS: dict[str, Callable[[Value, Field], int | float | bool]] = {
    "time": _time_of,
    "number": _number_of,
    "boolean": _truth_of,
}

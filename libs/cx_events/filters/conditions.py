"""Evaluate a filter that was checked against the fields, plainly: JSONLogic is held against this.

A filter reads a record's *values*: by field, a list of scalars, in which None stands for an object. A comparison holds
where it holds for one of them at least; its negation where it holds for none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Scalar = str | int | float | bool | None
Values = Mapping[str, Sequence[Scalar]]
Order = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Present:
    """There is any value."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A value is one of these, of the same kind."""

    values: tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text fits a pattern. ``pieces``: two at least, the texts between its stars."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ordered:
    """A number, or a time in µs, lies so to this one."""

    order: Order
    bound: int | float


Test = Present | OneOf | Pattern | Ordered


@dataclass(frozen=True, slots=True)
class Has:
    """A field has a value that passes one of the tests. ``field``: its path as text."""

    field: str
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    term: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    terms: tuple[Condition, ...]


Condition = Has | Negation | AllOf | AnyOf


def holds(condition: Condition, values: Values) -> bool:
    """Return whether a record with these values is wanted."""
    match condition:
        case Has(field, tests):
            return any(passes(test, value) for test in tests for value in values.get(field, ()))
        case Negation(term):
            return not holds(term, values)
        case AllOf(terms):
            return all(holds(term, values) for term in terms)
        case AnyOf(terms):
            return any(holds(term, values) for term in terms)


def passes(test: Test, value: Scalar) -> bool:
    match test:
        case Present():
            return True
        case OneOf(wanted):
            return any(_is_same(value, each) for each in wanted)
        case Pattern(pieces):
            return isinstance(value, str) and fits(value, pieces)
        case Ordered(order, bound):
            return _is_number(value) and _lies(value, order, bound)


def fits(text: str, pieces: Sequence[str]) -> bool:
    """Return whether a text has the pieces in this order, the first at its beginning and the last at its end.

    ``pieces``: two at least. At most linear in the text for each piece.
    """
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _is_number(value: Scalar) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_same(value: Scalar, wanted: Scalar) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return value is not None and value == wanted


def _lies(value: Scalar, order: Order, bound: int | float) -> bool:
    assert isinstance(value, (int, float))
    match order:
        case "<":
            return value < bound
        case "<=":
            return value <= bound
        case ">":
            return value > bound
        case ">=":
            return value >= bound

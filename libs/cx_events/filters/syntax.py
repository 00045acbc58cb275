"""Define the parts of a filter's text, and the error that points into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cx_events.errors import Refused

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in"]
ORDERING: frozenset[Operator] = frozenset({"<", "<=", ">", ">="})
NEGATIONS: dict[Operator, Operator] = {"!=": "=", "not in": "in"}


class BadFilter(Refused):
    """A filter that can't be used. ``at``: the place in its text, characters from 0 on."""

    def __init__(self, at: int, detail: str) -> None:
        super().__init__("bad-filter", f"character {at + 1}: {detail}", 400)
        self.at = at


@dataclass(frozen=True, slots=True)
class Value:
    """The right side of a comparison. ``pieces``: the texts between its stars, so one without a star has one piece.
    ``is_bare``: nothing of it stands in quotes, so it may be a number or a truth value."""

    pieces: tuple[str, ...]
    is_bare: bool
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A step of a field's path. ``is_quoted``: taken as it is, whether the hub knows the name or not."""

    text: str
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    path: tuple[Name, ...]
    operator: Operator
    values: tuple[Value, ...]
    at: int = field(default=0, compare=False)
    operator_at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    term: Expression


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Expression, ...]


Expression = Comparison | Not | And | Or

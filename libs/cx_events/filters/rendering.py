"""Write what a filter says as text that reads as the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cx_events.filters.syntax import And, Comparison, Expression, Name, Not, Or, Value

_escaped = re.compile(r"[\"\\]")


def render(expression: Expression) -> str:
    """Return the text of an expression, with no parentheses but the needed ones."""
    match expression:
        case Comparison(path, operator, values):
            field = render_path(path)
            listed = ", ".join(map(_render_value, values))
            return f"{field} {operator} ({listed})" if operator in ("in", "not in") else f"{field}{operator}{listed}"
        case Not(term):
            return f"not {_inside(term, (And, Or))}"
        case And(terms):
            return " and ".join(_inside(term, (And, Or)) for term in terms)
        case Or(terms):
            return " or ".join(_inside(term, (Or,)) for term in terms)


def _inside(term: Expression, looser: tuple[type, ...]) -> str:
    return f"({render(term)})" if isinstance(term, looser) else render(term)


def render_path(path: Sequence[Name]) -> str:
    """Return a field's path as it is written."""
    return ".".join(_quote(name.text) if name.is_quoted else name.text for name in path)


def _render_value(value: Value) -> str:
    if value.is_bare:
        return "*".join(value.pieces)
    if not any(value.pieces):
        return '""' + "*" * (len(value.pieces) - 1)
    return "*".join(_quote(piece) if piece else "" for piece in value.pieces)


def _quote(text: str) -> str:
    return '"' + _escaped.sub(lambda found: "\\" + found[0], text) + '"'

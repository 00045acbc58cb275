"""Compile a condition to JSONLogic, and run it by ``datalogic-py`` within a budget of work.

Each field is one member of the data, a list of its values; a comparison is ``some`` over that list. What JSONLogic has
no operator for, a text that fits a pattern with several stars, is the operator ``fits``.
"""

from __future__ import annotations

from typing import Any

import msgspec
from datalogic_py import DataLogicError, Engine, Rule

from cx_events.errors import Refused
from cx_events.filters.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Has,
    Negation,
    OneOf,
    Ordered,
    Pattern,
    Present,
    Test,
    Values,
    fits,
)

MOST_OPERATIONS = 1_000_000
"""One evaluation; an ordinary filter takes a dozen. As many take about 50 ms."""

_ITEM = {"var": ""}


def rule_of(condition: Condition) -> Any:
    """Return a condition as JSONLogic."""
    match condition:
        case Has(field, tests):
            of_item = [_test(test) for test in tests]
            return {"some": [{"val": [field]}, of_item[0] if len(of_item) == 1 else {"or": of_item}]}
        case Negation(term):
            return {"!": [rule_of(term)]}
        case AllOf(terms):
            return {"and": [rule_of(term) for term in terms]}
        case AnyOf(terms):
            return {"or": [rule_of(term) for term in terms]}


def _test(test: Test) -> Any:
    match test:
        case Present():
            return True
        case OneOf(values):
            same = [{"===": [_ITEM, value]} for value in values]
            return same[0] if len(same) == 1 else {"or": same}
        case Pattern((first, "")):
            return {"and": [_is("string"), {"starts_with": [_ITEM, first]}]}
        case Pattern(("", last)):
            return {"and": [_is("string"), {"ends_with": [_ITEM, last]}]}
        case Pattern(("", part, "")):
            return {"and": [_is("string"), {"in": [part, _ITEM]}]}
        case Pattern(pieces):
            return {"and": [_is("string"), {"fits": [_ITEM, *pieces]}]}
        case Ordered(order, bound):
            return {"and": [_is("number"), {order: [_ITEM, bound]}]}


def _is(kind: str) -> Any:
    return {"===": [{"type": [_ITEM]}, kind]}


def _fits(arguments: str) -> str:
    text, *pieces = msgspec.json.decode(arguments)
    return "true" if fits(text, pieces) else "false"


def make_engine(operations: int = MOST_OPERATIONS) -> Engine:
    """Return an engine that ends an evaluation after so many operations."""
    return Engine(custom_operators={"fits": _fits}, config={"ops_budget": operations}, strict_operator_names=True)


def read_fields(rule: Rule) -> list[str]:
    """Return the fields that a rule reads."""
    return [path[0] for path in rule.facts()["reads"] if path]


def is_met(rule: Rule, values: Values) -> bool:
    """Return whether a rule holds. Raises ``Refused("filter-too-costly")`` where it takes too many operations."""
    try:
        return rule.evaluate(values) is True
    except DataLogicError as error:
        if error.error_type == "BudgetExceeded":
            raise Refused("filter-too-costly", f"the filter takes more work than is allowed: {error}", 400) from None
        raise

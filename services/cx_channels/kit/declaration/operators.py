"""Compile the operators of declared values. Names are JSONLogic's where it has them (jsonlogic.com/operations.html).

Differences, each for safety: a condition holds for ``true`` alone, so that the text ``"false"`` is not true; a number
and its text are equal, nothing else of different types is; an operator whose arguments are absent is absent. There is
no loop, no pattern and no way to call anything.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

from cx_channels.kit.declaration.mistakes import Place, shown
from cx_channels.kit.declaration.scope import Read, Scope
from cx_channels.kit.json_values import exact, number, written

Outcomes = frozenset[Any] | None
Compile = Callable[[Any, Place], tuple[Read, Outcomes]]
MOST_ARGUMENTS = 200
_INDEX = re.compile(r"\.([0-9]{1,4})(?=\.|$)")
_BOTH = frozenset({True, False})


class Operation(NamedTuple):
    """The reading of a result, and all that it may be (None: not known beforehand)."""

    read: Read
    outcomes: Outcomes = None


class Operator(NamedTuple):
    """``compile``: of the argument, of what stands ``beside`` it, at a place."""

    compile: Callable[[Any, Mapping[str, Any], Place, Compile], Operation]
    beside: tuple[str, ...] = ()


def _arguments(given: Any, place: Place, compile: Compile, least: int, most: int) -> list[tuple[Read, Outcomes]]:
    parts = given if isinstance(given, list) else [given]
    if not least <= len(parts) <= most:
        count = str(least) if least == most else f"{least} to {most}"
        place.wrong(f"expected {count} arguments, not {len(parts)}")
        return [(lambda _s: None, frozenset())] * least
    return [compile(part, place.at(at) if isinstance(given, list) else place) for at, part in enumerate(parts)]


def equal(a: Any, b: Any) -> bool:
    """Return whether two values are the same; a number and its text are."""
    return bool(a == b) if type(a) is type(b) else bool(written(a)) and written(a) == written(b)


def _joined(outcomes: list[Outcomes]) -> Outcomes:
    known = [each for each in outcomes if each is not None]
    return frozenset().union(*known) if len(known) == len(outcomes) else None


def _var(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
    parts = given if isinstance(given, list) else [given]
    if not 1 <= len(parts) <= 2 or not isinstance(parts[0], str):
        place.wrong(f"expected a path without $, and what else it is, not {shown(given)}")
        return Operation(lambda _s: None)
    named = f"$.{parts[0]}" if parts[0] else "$"
    others = [_INDEX.sub(r"[\1]", named)] if _INDEX.search(named) else []  # list.1, which a member may be called, too
    reads = [compile(each, place)[0] for each in (named, *others)]
    reads += [compile(parts[1], place.at(1))[0]] if len(parts) == 2 else []
    return Operation(lambda s: next((value for read in reads if (value := read(s)) is not None), None))


def _first(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
    arguments = _arguments(given, place, compile, 1, MOST_ARGUMENTS)
    reads = [read for read, _ in arguments]

    def read(s: Scope) -> Any:
        for each in reads:
            value = each(s)
            if value is not None and value != "":
                return value
        return None

    return Operation(read, _joined([outcomes for _, outcomes in arguments]))


def _if(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
    arguments = _arguments(given, place, compile, 2, MOST_ARGUMENTS)
    pairs = [(arguments[at][0], arguments[at + 1][0]) for at in range(0, len(arguments) - 1, 2)]
    otherwise = arguments[-1][0] if len(arguments) % 2 else None
    results = [outcomes for _, outcomes in (*arguments[1::2], *(arguments[-1:] if otherwise else ()))]

    def read(s: Scope) -> Any:
        for condition, value in pairs:
            if condition(s) is True:
                return value(s)
        return otherwise(s) if otherwise is not None else None

    return Operation(read, _joined(results))


def _case(given: Any, beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
    """Choose by a value: ``{case: $.from, of: {user: customer, operator: agent}, else: system}``."""
    (of_what, _) = compile(given, place)
    cases = beside.get("of")
    if not isinstance(cases, Mapping) or not cases:
        place.wrong("beside it, 'of' must map each value to what it becomes")
        return Operation(lambda _s: None)
    table = {_word(key): compile(value, place.at(key)) for key, value in cases.items()}
    results = {key: read for key, (read, _) in table.items()}
    other, others = compile(beside.get("else"), place.at("else"))

    def read(s: Scope) -> Any:
        return results.get(_word(of_what(s)), other)(s)

    return Operation(read, _joined([*(outcomes for _, outcomes in table.values()), others]))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else written(value)


def _equals(wanted: bool) -> Callable[[Any, Mapping[str, Any], Place, Compile], Operation]:
    def compile_equals(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
        (a, _), (b, known) = _arguments(given, place, compile, 2, 2)
        if wanted and known is not None and isinstance(given, list) and isinstance(given[1], str) and given[1] in known:
            return Operation(_is_word(a, given[1]), _BOTH)
        return Operation(lambda s: equal(a(s), b(s)) is wanted, _BOTH)

    return compile_equals


def _is_word(read: Read, word: str) -> Read:
    """Return what tells whether a value is a constant text: most conditions ask this."""

    def holds(s: Scope) -> bool:
        value = read(s)
        return value == word if type(value) is str else value is not None and equal(value, word)

    return holds


def _in(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
    """Tell whether a value is one of a list, ``{in: [$.type, [a, b]]}``, or a part of a text."""
    if not isinstance(given, list) or len(given) != 2:
        place.wrong("expected a value, and a list or text in which it is")
        return Operation(lambda _s: False, _BOTH)
    value, _ = compile(given[0], place.at(0))
    if isinstance(given[1], list):
        items = [compile(each, place.at(at))[0] for at, each in enumerate(given[1][:MOST_ARGUMENTS])]
        return Operation(lambda s: any(equal(value(s), each(s)) for each in items), _BOTH)
    within, _ = compile(given[1], place.at(1))

    def read(s: Scope) -> bool:
        part, whole = value(s), within(s)
        if isinstance(whole, list):
            return any(equal(part, each) for each in whole[:MOST_ARGUMENTS])
        return isinstance(whole, str) and isinstance(part, str) and bool(part) and part in whole

    return Operation(read, _BOTH)


def _all_or_any(most: Callable[[Any], bool]) -> Callable[[Any, Mapping[str, Any], Place, Compile], Operation]:
    def compile_all(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
        reads = [read for read, _ in _arguments(given, place, compile, 1, MOST_ARGUMENTS)]
        return Operation(lambda s: most(read(s) is True for read in reads), _BOTH)

    return compile_all


def _of_one(result: Callable[[Any], Any], outcomes: Outcomes = None) -> Operator:
    def compile_one(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
        ((value, _),) = _arguments(given, place, compile, 1, 1)
        return Operation(lambda s: result(value(s)), outcomes)

    return Operator(compile_one)


def _of_two(result: Callable[[str, str], Any], outcomes: Outcomes = None) -> Operator:
    """Compile an operator of two texts; absent where one of them is."""

    def compile_two(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
        (a, _), (b, _) = _arguments(given, place, compile, 2, 2)

        def read(s: Scope) -> Any:
            first, second = written(a(s)), written(b(s))
            return result(first, second) if first and second else None

        return Operation(read, outcomes)

    return Operator(compile_two)


def _cat(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
    """Join texts; absent where everything but its constants is."""
    arguments = _arguments(given, place, compile, 1, MOST_ARGUMENTS)
    reads = [(read, outcomes is None) for read, outcomes in arguments]

    def read(s: Scope) -> Any:
        values = [(written(each(s)), varies) for each, varies in reads]
        if not any(value for value, varies in values if varies):
            return None
        return "".join(value for value, _ in values)

    return Operation(read)


def _arithmetic(step: Callable[[float, float], float]) -> Operator:
    def compile_numbers(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
        reads = [read for read, _ in _arguments(given, place, compile, 2, MOST_ARGUMENTS)]

        def read(s: Scope) -> Any:
            values = [number(each(s)) for each in reads]
            known = [value for value in values if value is not None]
            if len(known) < len(values):
                return None
            try:
                result = number(reduce(step, known))
            except ZeroDivisionError:
                return None
            return None if result is None else exact(result)

        return Operation(read)

    return Operator(compile_numbers)


def _compared(holds: Callable[[float, float], bool]) -> Operator:
    def compile_compared(given: Any, _beside: Mapping[str, Any], place: Place, compile: Compile) -> Operation:
        (a, _), (b, _) = _arguments(given, place, compile, 2, 2)

        def read(s: Scope) -> bool:
            first, second = number(a(s)), number(b(s))
            return first is not None and second is not None and holds(first, second)

        return Operation(read, _BOTH)

    return Operator(compile_compared)


def _after(whole: str, mark: str) -> str | None:
    return (whole.partition(mark)[2] if mark in whole else whole) or None


OPERATORS: Mapping[str, Operator] = {
    "var": Operator(_var),
    "first": Operator(_first),
    "if": Operator(_if),
    "case": Operator(_case, ("of", "else")),
    "==": Operator(_equals(True)),
    "!=": Operator(_equals(False)),
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    ">=": _compared(operator.ge),
    "in": Operator(_in),
    "and": Operator(_all_or_any(all)),
    "or": Operator(_all_or_any(any)),
    "!": _of_one(lambda value: value is not True, _BOTH),
    "present": _of_one(lambda value: value not in (None, "", [], {}), _BOTH),
    "starts_with": _of_two(str.startswith, _BOTH),
    "cat": Operator(_cat),
    "lower": _of_one(lambda value: written(value).lower() or None),
    "upper": _of_one(lambda value: written(value).upper() or None),
    "after": _of_two(_after),
    "before": _of_two(lambda whole, mark: whole.partition(mark)[0] or None),
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(operator.truediv),
}
"""Each operator of a declaration, by its name."""

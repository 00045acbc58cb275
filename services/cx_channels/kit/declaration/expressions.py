"""Compile declared values: constants, paths, and operators as JSONLogic writes them, ``{first: [$.a, $.b]}``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cx_channels.kit.declaration.mistakes import Place, listed, shown
from cx_channels.kit.declaration.operators import OPERATORS
from cx_channels.kit.declaration.paths import as_text, compile_path, compile_text, is_path
from cx_channels.kit.declaration.scope import Read, Scope
from cx_events.spelling import nearest


class Expression(NamedTuple):
    """``outcomes``: all values that it may have beside absent; None where these can't be told beforehand.
    ``is_constant``: it has the same value for every notice."""

    read: Read
    outcomes: frozenset[Any] | None = None
    is_constant: bool = False


ABSENT = Expression(lambda _s: None, frozenset(), True)


def is_operation(given: Any) -> bool:
    """Return whether a mapping is an operator with its arguments."""
    return isinstance(given, Mapping) and any(name in OPERATORS for name in given)


def compile_value(given: Any, place: Place) -> Expression:
    """Return what reads one value. A mistake for what is neither a constant, a path nor an operator."""
    if place.is_too_deep:
        place.wrong("this is nested too deep")
        return ABSENT
    if is_path(given):
        return Expression(compile_path(given, place))
    if isinstance(given, str | int | float):
        return constant(given[1:] if isinstance(given, str) and given.startswith("$$") else given)
    if given is None:
        return ABSENT
    if isinstance(given, Mapping) and given:
        return _compile_operation(given, place)
    place.wrong(f"expected a constant, a path ($.name) or an operator, not {shown(given)}")
    return ABSENT


def constant(value: Any) -> Expression:
    """Return an expression that always has this value."""
    return Expression(lambda _s: value, frozenset({value}), True)


def _compile_operation(given: Mapping[Any, Any], place: Place) -> Expression:
    names = [str(name) for name in given]
    main = next((name for name in names if name in OPERATORS), None)
    if main is None:
        near = nearest(names[0], OPERATORS)
        why = f"did you mean {near!r}?" if near else f"there are {listed(OPERATORS)}"
        place.at(names[0]).wrong(f"there is no such operator; {why}")
        return ABSENT
    operator = OPERATORS[main]
    for name in names:
        if name != main and name not in operator.beside:
            place.at(name).wrong(f"this does not stand beside {main!r}")
    beside = {name: given[name] for name in operator.beside if name in given}
    found = operator.compile(given[main], beside, place.at(main), _compiled)
    return Expression(found.read, found.outcomes)


def _compiled(given: Any, place: Place) -> tuple[Read, frozenset[Any] | None]:
    found = compile_value(given, place)
    return found.read, found.outcomes


def compile_any(given: Any, place: Place) -> Read:
    """Return what reads a value of any shape: an expression, or a mapping or list of such."""
    if place.is_too_deep:
        place.wrong("this is nested too deep")
        return ABSENT.read
    if isinstance(given, Mapping) and not is_operation(given):
        members = [(str(name), compile_any(value, place.at(name))) for name, value in given.items()]
        return lambda s: dict(_present(members, s)) or None
    if isinstance(given, list):
        items = [compile_any(value, place.at(index)) for index, value in enumerate(given)]
        return lambda s: [value for read in items if (value := read(s)) is not None] or None
    return compile_value(given, place).read


def _present(members: list[tuple[str, Read]], s: Scope) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, read in members if (value := read(s)) is not None)


def compile_parts(given: Any, place: Place) -> list[Read]:
    """Return what reads the parts of a kind: one expression, or a list of them."""
    return [compile_value(part, at).read for part, at in _parts(given, place)]


def compile_text_parts(given: Any, place: Place) -> list[Read]:
    """Return what reads the parts of an id as texts; numbers are read as text, and empty text is absent."""
    return [_compile_text(part, at) for part, at in _parts(given, place)]


def _parts(given: Any, place: Place) -> list[tuple[Any, Place]]:
    if not isinstance(given, list):
        return [(given, place)]
    if not given:
        place.wrong("expected at least one part")
    return [(part, place.at(index)) for index, part in enumerate(given)]


def _compile_text(given: Any, place: Place) -> Read:
    if is_path(given):
        return compile_text(given, place)
    read = compile_value(given, place).read
    return lambda s: as_text(read(s))

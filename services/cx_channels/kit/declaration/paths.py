"""Read a path such as ``$.call.legs[0].number`` and walk it.

``$`` is the notice, or the item where a list is gone through; ``$notice``, ``$root``, ``$header``, ``$query`` and
``$kind`` are the other beginnings. A step is ``.name``, ``["any name"]``, or ``[0]`` (``[-1]`` from the end). What is
not there, and whatever lies below something of another shape, is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.scope import Read, Scope
from cx_channels.kit.json_values import written

MOST_STEPS = 16

_BEGIN = re.compile(r"\$([a-z]*)")
_STEP = re.compile(r'\.([^.\[\]"\s]{1,200}+)|\[(-?[0-9]{1,4}+)\]|\["([^"]{1,200}+)"\]')
_WALKED = {"": "item", "notice": "notice", "root": "root"}
_FLAT = ("header", "query", "kind")

Steps = tuple[str | int, ...]


def is_path(value: object) -> bool:
    """Return whether a declared value is a path; ``$$5`` is the text ``$5``."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def parse_path(written: str, place: Place) -> tuple[str, Steps]:
    """Return where a path begins, and its steps."""
    begin = _BEGIN.match(written)
    if begin is None or begin[1] not in (*_WALKED, *_FLAT):
        known = ", ".join(f"${name}" for name in (*_WALKED, *_FLAT))
        place.wrong(f"the path {written[:64]!r} begins with none of {known}")
        return "", ()
    steps: list[str | int] = []
    at = begin.end()
    while at < len(written):
        step = _STEP.match(written, at)
        if step is None or len(steps) == MOST_STEPS:
            why = f"has more than {MOST_STEPS} steps" if step else f"can't be read from {written[at : at + 20]!r} on"
            place.wrong(f'the path {written[:64]!r} {why}; a step is .name, ["any name"] or [0]')
            return begin[1], ()
        steps.append(int(step[2]) if step[2] else step[1] or step[3])
        at = step.end()
    return begin[1], tuple(steps)


def compile_path(written: str, place: Place) -> Read:
    """Return what reads the value at a path."""
    begin, steps = parse_path(written, place)
    if begin == "kind":
        return lambda s: s.kind or None
    if begin in _FLAT:
        if len(steps) != 1 or not isinstance(steps[0], str):
            place.wrong(f"expected one name, as in ${begin}.name")
            return lambda _s: None
        return _header(steps[0].lower()) if begin == "header" else _parameter(steps[0])
    if begin == "" and 1 <= len(steps) <= len(_BY_NAMES) and all(isinstance(each, str) for each in steps):
        by_names: Read = _BY_NAMES[len(steps) - 1](*steps)
        return by_names
    return _walk(_WALKED.get(begin, "item"), steps)


def _header(name: str) -> Read:
    return lambda s: s.request.headers.get(name)


def _parameter(name: str) -> Read:
    def read(s: Scope) -> Any:
        values = [value for each, value in s.request.query if each == name]
        return values[0] if len(values) == 1 else values or None

    return read


# By names alone, without a loop: most paths are so. Text and numbers have no members: TypeError.


def _one(a: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            return s.item[a]
        except (KeyError, TypeError):
            return None

    return read


def _two(a: Any, b: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            return s.item[a][b]
        except (KeyError, TypeError):
            return None

    return read


def _three(a: Any, b: Any, c: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            return s.item[a][b][c]
        except (KeyError, TypeError):
            return None

    return read


def _four(a: Any, b: Any, c: Any, d: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            return s.item[a][b][c][d]
        except (KeyError, TypeError):
            return None

    return read


_BY_NAMES: tuple[Any, ...] = (_one, _two, _three, _four)


def compile_text(path: str, place: Place) -> Read:
    """Return what reads the text at a path; numbers are read as text, and empty text is absent."""
    begin, steps = parse_path(path, Place(""))
    if begin == "" and 1 <= len(steps) <= len(_TEXTS) and all(isinstance(each, str) for each in steps):
        text_read: Read = _TEXTS[len(steps) - 1](*steps)
        return text_read
    read = compile_path(path, place)
    return lambda s: as_text(read(s))


def as_text(value: Any) -> str | None:
    """Return text, or a number as text; None for anything else and for empty text."""
    return (value or None) if type(value) is str else written(value) or None


# The same again, each in one call: most of what an event holds is text.


def _text_one(a: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            value = s.item[a]
        except (KeyError, TypeError):
            return None
        return (value or None) if type(value) is str else written(value) or None

    return read


def _text_two(a: Any, b: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            value = s.item[a][b]
        except (KeyError, TypeError):
            return None
        return (value or None) if type(value) is str else written(value) or None

    return read


def _text_three(a: Any, b: Any, c: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            value = s.item[a][b][c]
        except (KeyError, TypeError):
            return None
        return (value or None) if type(value) is str else written(value) or None

    return read


def _text_four(a: Any, b: Any, c: Any, d: Any) -> Read:
    def read(s: Scope) -> Any:
        try:
            value = s.item[a][b][c][d]
        except (KeyError, TypeError):
            return None
        return (value or None) if type(value) is str else written(value) or None

    return read


_TEXTS: tuple[Any, ...] = (_text_one, _text_two, _text_three, _text_four)


def _walk(begin: str, steps: Steps) -> Read:
    def read(s: Scope) -> Any:
        return value_at(getattr(s, begin), steps)

    return read


def value_at(value: Any, steps: Iterable[Any]) -> Any:
    """Return the value at some steps; None where there is none."""
    for step in steps:
        if not isinstance(value, dict if isinstance(step, str) else list):
            return None
        try:
            value = value[step]
        except (KeyError, IndexError):
            return None
    return value


def without(value: Any, steps: Steps) -> Any:
    """Return a value without what stands at some steps; only what leads there is copied."""
    if not steps or not isinstance(value, dict) or steps[0] not in value:
        return value
    copy = dict(value)
    if len(steps) == 1:
        del copy[steps[0]]
    else:
        copy[steps[0]] = without(copy[steps[0]], steps[1:])
    return copy

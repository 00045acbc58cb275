"""Collect the mistakes of a declaration, each with its place in the YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cx_events.spelling import nearest

MOST_DEEP = 40
"""Levels of a declaration. YAML's anchors can make one that contains itself."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Mistake(NamedTuple):
    """``place``: as in ``mapping.kinds["call.ended"].type``; ``what``: a sentence on what is wrong there."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


class Place:
    """A place in a declaration. All places of one declaration share their list of mistakes."""

    __slots__ = ("_depth", "_mistakes", "text")

    def __init__(self, text: str, mistakes: list[Mistake] | None = None, depth: int = 0) -> None:
        self.text = text
        self._mistakes = mistakes if mistakes is not None else []
        self._depth = depth

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """Return all mistakes of the declaration, in the order in which they were found."""
        return tuple(self._mistakes)

    @property
    def is_too_deep(self) -> bool:
        return self._depth > MOST_DEEP

    def at(self, key: object) -> Place:
        """Return the place of a member or an item."""
        name = str(key)[:64]
        step = f"[{key}]" if isinstance(key, int) else f".{name}" if _PLAIN.fullmatch(name) else f'["{name}"]'
        return Place(f"{self.text}{step}", self._mistakes, self._depth + 1)

    def wrong(self, what: str) -> None:
        """Note a mistake at this place."""
        self._mistakes.append(Mistake(self.text, what))

    def members(self, given: Any, known: Iterable[str]) -> Mapping[str, Any]:
        """Return the members of a mapping that are known. A mistake for each other one, and for what is no mapping."""
        names = sorted(known)
        if not isinstance(given, Mapping):
            self.wrong(f"expected a mapping with {listed(names)}, not {shown(given)}")
            return {}
        for name in given:
            if name not in names:
                near = nearest(str(name), names)
                why = f"did you mean {near!r}?" if near else f"there are {listed(names)}"
                self.at(name).wrong(f"there is no such member; {why}")
        return {name: value for name, value in given.items() if name in names}

    def text_at(self, given: Mapping[str, Any], name: str, default: str = "") -> str:
        """Return a member that must be text."""
        value = given.get(name, default)
        if not isinstance(value, str):
            self.at(name).wrong(f"expected text, not {shown(value)}")
            return default
        return value

    def choice_at(self, given: Mapping[str, Any], name: str, known: Iterable[str], default: str) -> str:
        """Return a member that must be one of some words."""
        value, words = given.get(name, default), list(known)
        if value not in words:
            near = nearest(str(value), words)
            why = f"did you mean {near!r}?" if near else f"there are {listed(words)}"
            self.at(name).wrong(f"there is no {shown(value)}; {why}")
            return default
        return str(value)


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence has them."""
    return ", ".join(names)


def shown(value: Any) -> str:
    """Return a declared value as a message may show it."""
    kinds = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return kinds.get(type(value)) or repr(value)[:64]

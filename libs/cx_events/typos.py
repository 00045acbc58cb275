"""Find what a client probably misspelt in an event that is accepted.

Unknown members and types are kept, since they may be meant. Where one is near a known one, the sender is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from functools import cache, lru_cache
from itertools import islice
from typing import Any, NamedTuple

from cx_events.catalogue import catalogue
from cx_events.data_shape import DATA, Shape
from cx_events.spelling import MAX_WORD, nearest

MOST = 10
"""Typos that are told of one event."""

MOST_OF_REQUEST = 100
"""Typos that are told of one request."""

COMPARED = 50
COMPARED_OF_REQUEST = 2_000
"""Unknown names that are compared with the known ones, of one event and of one request: each takes up to 0.4 ms."""

_ITEMS = 100
"""Items of one array that are looked at."""

ATTRIBUTES = frozenset(
    {
        *("specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "data"),
        *("data_base64", "sequence", "traceparent", "tracestate", "causationid", "correlationid", "recordedtime"),
        *("tenantid", "partitionkey", "writer"),
    }
)
WORDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("identifiers", "kind"): frozenset({"email", "phone", "cookie", "crm", "account"}),
    ("links", "kind"): frozenset({"email", "phone", "cookie", "crm", "account"}),
    ("references", "kind"): frozenset({"order", "case", "thread", "message", "call", "token", "interaction"}),
    ("transcript", "role"): frozenset({"customer", "agent", "bot", "system", "business"}),
}
"""Members that take any word, but for which the hub has a use only for some; by the array that they stand in."""


class Typo(NamedTuple):
    """``place``: as ``data.participants[0].name``; ``found``: what stands there; ``nearest``: what it may stand for."""

    place: str
    found: str
    nearest: str

    def sentence(self) -> str:
        """Return it in words."""
        return f"{self.place}: {self.found!r} is unknown and was kept as it is; did you mean {self.nearest!r}?"


class TypoFinder:
    """Finds the typos in the events of one request; bounded, whatever they hold."""

    def __init__(self) -> None:
        self._told = MOST_OF_REQUEST
        self._compared = COMPARED_OF_REQUEST
        self._compared_here = 0

    def typos_of(self, event: Mapping[str, Any]) -> list[Typo]:
        """Return the likely typos of an event in structured form."""
        if _has_known_names_alone(event):
            return []
        self._compared_here = min(COMPARED, self._compared)
        left = self._compared_here
        found = list(islice(self._typos(event), min(MOST, self._told)))
        self._told -= len(found)
        self._compared -= left - self._compared_here
        return found

    def typos_in(self, place: str, value: Mapping[str, Any], shape: Shape) -> list[Typo]:
        """Return the likely typos of an object of this shape, as part of a request of another kind."""
        self._compared_here = COMPARED
        return list(islice(self._in_object(place, value, shape, ""), MOST))

    def _typos(self, event: Mapping[str, Any]) -> Iterator[Typo]:
        if not event.keys() <= ATTRIBUTES:
            yield from self._unknown("", event.keys(), ATTRIBUTES)
        name = event["type"]
        if name not in catalogue() and (near := self._near(name, _type_names())) is not None:
            yield Typo("type", name, near)
        data = event.get("data")
        if isinstance(data, dict):
            yield from self._in_object("data", data, DATA, "")

    def _in_object(self, place: str, value: Mapping[str, Any], shape: Shape, array: str) -> Iterator[Typo]:
        known = shape.members
        if not value.keys() <= known.keys():
            yield from self._unknown(place, value.keys(), shape.names)
        for name, item in value.items():
            if isinstance(item, str):
                words = WORDS.get((array, name)) if array else None
                if words and item not in words and (near := self._near(item, words)) is not None:
                    yield Typo(f"{place}.{name}", item, near)
            elif (inner := known.get(name)) is not None and (inner.members or inner.items):
                yield from self._inside(f"{place}.{name}", item, inner, name)

    def _inside(self, place: str, value: object, shape: Shape, array: str) -> Iterator[Typo]:
        if isinstance(value, dict) and shape.members:
            yield from self._in_object(place, value, shape, array)
        elif isinstance(value, list) and shape.items is not None:
            for index, item in enumerate(value[:_ITEMS]):
                yield from self._inside(f"{place}[{index}]", item, shape.items, array)

    def _unknown(self, place: str, names: Set[str], known: frozenset[str]) -> Iterator[Typo]:
        """Yield a typo for each name that is near a known one which is not there itself."""
        for name in islice(names - known, COMPARED):
            near = self._near(name, known)
            if near is not None and near not in names:
                yield Typo(f"{place}.{name}" if place else name, name, near)

    def _near(self, word: str, known: frozenset[str]) -> str | None:
        if self._compared_here == 0:
            return None
        self._compared_here -= 1
        return _nearest(word, known) if len(word) <= MAX_WORD else None


def _has_known_names_alone(event: Mapping[str, Any]) -> bool:
    """Return whether there is nothing to compare, in a tenth of the time: so it is with most events."""
    if not event.keys() <= ATTRIBUTES or event["type"] not in catalogue():
        return False
    return _knows(event.get("data"), _known_names())


class _KnownNames(NamedTuple):
    """``names``: those of an object's members. ``inside``: what is known of the members that hold objects, or lists
    of them, or one of ``words``."""

    names: frozenset[str]
    inside: Mapping[str, _KnownNames]
    words: frozenset[str] | None = None


def _knows(value: object, known: _KnownNames) -> bool:
    """Return whether all names in a value, and all its words of ``WORDS``, are known. Its shape is checked before: it
    is no deeper than that of ``Data``."""
    names, inside, words = known
    if isinstance(value, str):
        return words is None or value in words
    if isinstance(value, dict):
        if not value.keys() <= names:
            return False
        for name, item in value.items():
            inner = inside.get(name)
            if inner is not None and not _knows(item, inner):
                return False
    elif isinstance(value, list):
        for item in value:
            if not _knows(item, known):
                return False
    return True


@cache
def _known_names() -> _KnownNames:
    return _known(DATA, "", "data")


def _known(shape: Shape, array: str, name: str) -> _KnownNames:
    if shape.items is not None:
        return _known(shape.items, name, name)
    inside = {each: _known(inner, array, each) for each, inner in shape.members.items()}
    kept = {each: known for each, known in inside.items() if known.names or known.words is not None}
    return _KnownNames(shape.names, kept, WORDS.get((array, name)))


@lru_cache(4096)
def _nearest(word: str, known: frozenset[str]) -> str | None:
    return nearest(word, known)


@cache
def _type_names() -> frozenset[str]:
    return frozenset(catalogue())

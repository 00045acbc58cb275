"""Parts into one: every field combines by a rule that is associative, commutative and blind to grouping.

A fact is in one part only, so sums may be sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nlargest, nsmallest
from itertools import chain
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from cx_context.parts.model import (
    AGENTS_KEPT,
    CONSENTS_KEPT,
    DELETIONS_KEPT,
    EDITS_KEPT,
    NAMES_KEPT,
    NOTES_KEPT,
    OTHERS_KEPT,
    SENTIMENTS_KEPT,
    TOPICS_KEPT,
    TURNS_KEPT,
    USES_KEPT,
    WRITTEN_KEPT,
    Part,
)
from cx_context.parts.values import KEYS_KEPT, NAMED_KEPT, REFERENCES_KEPT, SAID_KEPT, At, Register
from cx_events.activity import SECOND
from cx_events.identifiers import rank_of

T = TypeVar("T", bound=tuple[Any, ...])
Time = TypeVar("Time", int, At)


def later(one: At | None, other: At) -> At:
    return other if one is None or other > one else one


def later_register(one: Register | None, other: Register) -> Register:
    """Last writer wins; places differ, since a place names its event."""
    return other if one is None or other[0] > one[0] else one


def keep_latest(kept: list[T], item: T, most: int) -> list[T]:
    """The latest ``most`` of ``kept`` (latest first) and one more. Never changes ``kept``.

    By place alone: two items of one place are of one event.
    """
    at = item[0]
    index = 0
    for index, other in enumerate(kept):  # noqa: B007
        if at > other[0]:
            break
    else:
        index = len(kept)
    if index >= most:
        return kept
    return [*kept[:index], item, *kept[index : most - 1]]


def _sum(one: int, other: int) -> int:
    return one + other


def _sum_by_key(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    total = dict(one)
    for key, count in other.items():
        total[key] = total.get(key, 0) + count
    return total


def _last(one: At | None, other: At | None) -> At | None:
    return one if other is None else later(one, other)


def _first(one: At | None, other: At | None) -> At | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _last_register(one: Register | None, other: Register | None) -> Register | None:
    return one if other is None else later_register(one, other)


def _first_register(one: Register | None, other: Register | None) -> Register | None:
    if one is None or other is None:
        return one if other is None else other
    return other if other[0] < one[0] else one


class _Latest:
    """The latest so many of some lists, the latest first."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __call__(self, one: list[Any], other: list[Any]) -> list[Any]:
        if not one or not other:
            return one or other
        return sorted([*one, *other], key=_place, reverse=True)[: self._most]

    def at_once(self, lists: Iterable[list[Any]]) -> list[Any]:
        return nlargest(self._most, chain.from_iterable(lists), key=_place)


def _last_by_key(most: int) -> Callable[[dict[str, Register], dict[str, Register]], dict[str, Register]]:
    """Last writer for each key; of too many keys those written last."""

    def merge(one: dict[str, Register], other: dict[str, Register]) -> dict[str, Register]:
        if not one or not other:
            return one or other
        merged = dict(one)
        for key, register in other.items():
            merged[key] = later_register(merged.get(key), register)
        if len(merged) > most:
            latest = sorted(merged.items(), key=lambda item: (item[1][0], item[0]), reverse=True)[:most]
            merged = dict(latest)
        return merged

    return merge


def _max_by_key(one: dict[str, Time], other: dict[str, Time]) -> dict[str, Time]:
    merged = dict(one)
    for key, at in other.items():
        merged[key] = max(at, merged.get(key, at))
    return merged


def keep_greatest(times: dict[str, Time], key: str, at: Time, most: int) -> None:
    """Set the greatest time of a key, in place; of too many keys those with the greatest times are kept."""
    old = times.get(key)
    if old is not None and old >= at:
        return
    times[key] = at
    if len(times) > most:
        del times[min(times, key=lambda name: (times[name], name))]


class _GreatestByKey:
    """The greatest time of each key; of too many keys those with the greatest times."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __call__(self, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        if not one or not other:
            return one or other
        merged = _max_by_key(one, other)
        if len(merged) > self._most:
            merged = dict(nlargest(self._most, merged.items(), key=_time_and_key))
        return merged


class _FirstByKey:
    """The first time for each key; of too many keys those that came first."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __call__(self, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        if not one or not other:
            return one or other
        return self.at_once((one, other))

    def at_once(self, times: Iterable[dict[str, Any]]) -> dict[str, Any]:
        merged = first_of_each_key(times)
        if len(merged) > self._most:
            merged = dict(nsmallest(self._most, merged.items(), key=_time_and_key))
        return merged


def first_of_each_key(times: Iterable[Mapping[str, Time]]) -> dict[str, Time]:
    """Of each key the least time."""
    merged: dict[str, Time] = {}
    for some in times:
        for key, at in some.items():
            known = merged.get(key)
            if known is None or at < known:
                merged[key] = at
    return merged


_place = itemgetter(0)
_time_and_key = itemgetter(1, 0)


def strongest_named(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """The greatest weight of each identifier; of too many those of the greatest weight, then of the highest rank."""
    if not one or not other:
        return one or other
    merged = dict(one)
    for key, weight in other.items():
        merged[key] = min(weight, merged.get(key, weight))
    if len(merged) > NAMED_KEPT:
        merged = dict(nsmallest(NAMED_KEPT, merged.items(), key=weight_and_rank))
    return merged


def weight_and_rank(named: tuple[str, int]) -> tuple[int, int, str]:
    """Return the order of an identifier (``KIND\nSCOPE\nVALUE``) and its weight among others, the strongest first."""
    key, weight = named
    return weight, rank_of(key.partition("\n")[0]), key


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _greatest(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def first_of_each_second(one: list[int], other: list[int]) -> list[int]:
    """Two lists of times in µs, each in order and with one time a second, as one such list."""
    if not one or not other:
        return one or other
    if one[-1] // SECOND < other[0] // SECOND:
        return [*one, *other]
    if other[-1] // SECOND < one[0] // SECOND:
        return [*other, *one]
    return _thinned(sorted((*one, *other)))


def _thinned(times: list[int]) -> list[int]:
    found: list[int] = []
    second = None
    for time in times:
        if time // SECOND != second:
            found.append(time)
            second = time // SECOND
    return found


MERGE_RULES: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "interaction": max,
        "side": max,
        "identifier": max,
        "weight": min,
        "about": _greatest,
        "facts": _sum,
        "events": _sum,
        "messages": _sum,
        "channels": _sum_by_key,
        "first_recorded": min,
        "last_recorded": max,
        "since": min,
        "until": max,
        "first": _first,
        "last": _last,
        "active": first_of_each_second,
        "endless": _least,
        "channel": _last_register,
        "direction": _first_register,
        "queue": _last_register,
        "agent": _last_register,
        "name": _last_register,
        "names": _last_by_key(NAMES_KEPT),
        "queued": _last,
        "answered": _last,
        "ended": _last_register,
        "resumed": _last,
        "customer_spoke": _last,
        "business_spoke": _last,
        "heard": max,
        "open_heard": max,
        "said": _Latest(SAID_KEPT),
        "files": _Latest(SAID_KEPT),
        "edits": _last_by_key(EDITS_KEPT),
        "deleted": _GreatestByKey(DELETIONS_KEPT),
        "others": _GreatestByKey(OTHERS_KEPT),
        "references": _FirstByKey(REFERENCES_KEPT),
        "written": _FirstByKey(WRITTEN_KEPT),
        "quoted": _FirstByKey(WRITTEN_KEPT),
        "topics": _Latest(TOPICS_KEPT),
        "summary": _last_register,
        "disposition": _last_register,
        "notes": _Latest(NOTES_KEPT),
        "resolved": _last_register,
        "reopened": _last,
        "links": _max_by_key,
        "split": _last,
        "turns": _Latest(TURNS_KEPT),
        "slots": _last_by_key(KEYS_KEPT),
        "handoff": _last_register,
        "accepted": _last_register,
        "offered": _last_register,
        "passed": _last_register,
        "shown": _last_register,
        "first_answered": _FirstByKey(AGENTS_KEPT),
        "first_shown": _FirstByKey(AGENTS_KEPT),
        "tokens": _last_by_key(KEYS_KEPT),
        "token_uses": _FirstByKey(USES_KEPT),
        "named": strongest_named,
        "verified": _max_by_key,
        "proofs": _last_by_key(KEYS_KEPT),
        "assertions": _last_by_key(KEYS_KEPT),
        "attributes": _last_by_key(KEYS_KEPT),
        "preferences": _last_by_key(KEYS_KEPT),
        "grants": _GreatestByKey(CONSENTS_KEPT),
        "refusals": _GreatestByKey(CONSENTS_KEPT),
        "sentiment": _last_by_key(SENTIMENTS_KEPT),
        "surveys": _Latest(NOTES_KEPT),
    }
)


_NAMES = tuple(MERGE_RULES)
_values = attrgetter(*_NAMES)
_EMPTY = Part()
_NEVER = object()
_RULES = tuple((by, _NEVER if by in (min, max) else getattr(_EMPTY, name)) for name, by in MERGE_RULES.items())
"""Of each field how two values combine, and which value says nothing: of a least or greatest time none does."""


def merge(one: Part, other: Part) -> Part:
    """The part of both sets of facts. Of most fields one of the two has nothing."""
    total = Part()
    for name, (by, nothing), a, b in zip(_NAMES, _RULES, _values(one), _values(other), strict=True):
        if b != nothing:
            setattr(total, name, by(a, b) if a != nothing else b)
        elif a != nothing:
            setattr(total, name, a)
    return total


def combine(parts: Iterable[Part]) -> Part:
    """The part of all; of none an empty one. Of many each field by itself, since most parts have nothing in it."""
    found = list(parts)
    if len(found) < 2:
        return found[0] if found else Part()
    if len(found) == 2:
        return merge(*found)
    total = Part()
    combine_fields(total, found, PART_FIELDS)
    return total


class Field(NamedTuple):
    """``value``: of a part. ``by``: how two combine. ``nothing``: what says nothing."""

    name: str
    value: Callable[[Part], Any]
    by: Callable[[Any, Any], Any]
    nothing: Any


PART_FIELDS = tuple(Field(name, attrgetter(name), *rule) for name, rule in zip(_NAMES, _RULES, strict=True))


def combine_fields(total: Part, parts: Sequence[Part], fields: Iterable[Field]) -> None:
    """Set these fields of ``total``, where they say nothing, to what all parts say."""
    for name, value, by, nothing in fields:
        found = map(value, parts)
        if nothing is None:
            values = [each for each in found if each is not None]
        else:
            values = list(found if nothing is _NEVER else filter(None, found))
        if values:
            setattr(total, name, values[0] if len(values) == 1 else _of_many(by, values))


def _of_many(by: Callable[[Any, Any], Any], values: list[Any]) -> Any:
    """In one go where that is cheaper, else in pairs, so that what grows with the facts is not copied for each."""
    at_once = by.at_once if isinstance(by, _Latest | _FirstByKey) else _AT_ONCE.get(by)
    if at_once is not None:
        return at_once(values)
    while len(values) > 1:
        values = [by(*values[at : at + 2]) if at + 1 < len(values) else values[at] for at in range(0, len(values), 2)]
    return values[0]


def _sum_of_each_key(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for some in counts:
        for key, count in some.items():
            total[key] = total.get(key, 0) + count
    return total


_AT_ONCE: Mapping[Callable[[Any, Any], Any], Callable[[list[Any]], Any]] = MappingProxyType(
    {
        max: max,
        min: min,
        _sum: sum,
        _sum_by_key: _sum_of_each_key,
        _first: min,
        _last: max,
        _least: min,
        _greatest: max,
        _first_register: lambda registers: min(registers, key=_place),
        _last_register: lambda registers: max(registers, key=_place),
        first_of_each_second: lambda times: _thinned(sorted(chain.from_iterable(times))),
    }
)
"""How many values combine that say something, where that is more than to combine them in pairs."""

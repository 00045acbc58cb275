"""Declare how values of a field combine, as types of fields: a field's annotation says its merge rule.

Every rule is associative, commutative and blind to grouping. A fact is in one part only, so sums may be sums. An
unbounded list or map has no rule here: what is kept of too many values is part of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from itertools import chain
from operator import add, itemgetter
from typing import Annotated, Any, TypeVar

from cx_context.parts.values import At, Register
from cx_events.activity import SECOND
from cx_events.identifiers import rank_of

T = TypeVar("T")
Time = TypeVar("Time", int, At)
Ordered = TypeVar("Ordered", int, str, At)
_place = itemgetter(0)
_time_and_key = itemgetter(1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class MergeRule:
    """The merge rule of a field: how its values combine.

    ``pair``: two values that say something. ``many``: three and more in one go, where that is cheaper than in pairs.
    ``always``: no value says nothing, as in a least or greatest time. Of other fields all values that are false do.
    """

    pair: Callable[[Any, Any], Any]
    many: Callable[[list[Any]], Any] | None = None
    always: bool = False


WORDS = "words"
"""Marks a field that a part header leaves out: only the summary of a shown conversation and ``now`` need it."""


def _last_register(one: Register | None, other: Register | None) -> Register | None:
    if one is None or other is None:
        return one if other is None else other
    return other if other[0] > one[0] else one


def _least(one: Ordered | None, other: Ordered | None) -> Ordered | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _greatest(one: Ordered | None, other: Ordered | None) -> Ordered | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def _sum_by_key(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for some in counts:
        for key, count in some.items():
            total[key] = total.get(key, 0) + count
    return total


def max_by_key(one: dict[str, Time], other: dict[str, Time]) -> dict[str, Time]:
    """Return the greatest time of each key."""
    merged = dict(one)
    for key, at in other.items():
        merged[key] = max(at, merged.get(key, at))
    return merged


def first_of_each_key(times: Iterable[Mapping[str, Time]]) -> dict[str, Time]:
    """Return the least time of each key."""
    merged: dict[str, Time] = {}
    for some in times:
        for key, at in some.items():
            known = merged.get(key)
            if known is None or at < known:
                merged[key] = at
    return merged


def first_of_each_second(one: list[int], other: list[int]) -> list[int]:
    """Merge two lists of times in µs, each in order and with one time a second, into one such list."""
    if not one or not other:
        return one or other
    if one[-1] // SECOND < other[0] // SECOND:
        return [*one, *other]
    if other[-1] // SECOND < one[0] // SECOND:
        return [*other, *one]
    return _thin_out(sorted((*one, *other)))


def _thin_out(times: list[int]) -> list[int]:
    first: list[int] = []
    second = None
    for time in times:
        if time // SECOND != second:
            first.append(time)
            second = time // SECOND
    return first


def latest(most: int) -> MergeRule:
    """Make the rule that keeps the latest ``most`` items, the latest first. An item begins with its place (``At``)."""

    def pair(one: list[Any], other: list[Any]) -> list[Any]:
        if not one or not other:
            return one or other
        return sorted([*one, *other], key=_place, reverse=True)[:most]

    return MergeRule(pair, lambda lists: nlargest(most, chain.from_iterable(lists), key=_place))


def last_by_key(most: int) -> MergeRule:
    """Make the rule that keeps the last value of each key; of more than ``most`` keys those written last."""

    def pair(one: dict[str, Register], other: dict[str, Register]) -> dict[str, Register]:
        if not one or not other:
            return one or other
        merged = dict(one)
        for key, register in other.items():
            old = merged.get(key)
            if old is None or register[0] > old[0]:
                merged[key] = register
        if len(merged) > most:
            last = sorted(merged.items(), key=lambda item: (item[1][0], item[0]), reverse=True)[:most]
            merged = dict(last)
        return merged

    return MergeRule(pair)


def greatest_by_key(most: int) -> MergeRule:
    """Make the rule that keeps the greatest time of each key; of more than ``most`` keys those with the greatest."""

    def pair(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        if not one or not other:
            return one or other
        merged = max_by_key(one, other)
        if len(merged) > most:
            merged = dict(nlargest(most, merged.items(), key=_time_and_key))
        return merged

    return MergeRule(pair)


def first_by_key(most: int) -> MergeRule:
    """Make the rule that keeps the first time of each key; of more than ``most`` keys those that came first."""

    def many(times: Iterable[dict[str, Any]]) -> dict[str, Any]:
        merged = first_of_each_key(times)
        if len(merged) > most:
            merged = dict(nsmallest(most, merged.items(), key=_time_and_key))
        return merged

    def pair(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        return many((one, other)) if one and other else one or other

    return MergeRule(pair, many)


def strongest_by_key(most: int, order: Callable[[tuple[str, int]], Any]) -> MergeRule:
    """Make the rule that keeps the greatest weight (the least rank) of each key; of more than ``most`` the first in
    this order."""

    def pair(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
        if not one or not other:
            return one or other
        merged = dict(one)
        for key, weight in other.items():
            merged[key] = min(weight, merged.get(key, weight))
        if len(merged) > most:
            merged = dict(nsmallest(most, merged.items(), key=order))
        return merged

    return MergeRule(pair)


def weight_and_rank(named: tuple[str, int]) -> tuple[int, int, str]:
    """Return the order of an identifier (``KIND\nSCOPE\nVALUE``) and its weight among others, the strongest first."""
    key, weight = named
    return weight, rank_of(key.partition("\n")[0]), key


Sum = Annotated[int, MergeRule(add, sum)]
SumByKey = Annotated[dict[str, int], MergeRule(lambda one, other: _sum_by_key((one, other)), _sum_by_key)]
Smallest = Annotated[T, MergeRule(min, min, always=True)]
Greatest = Annotated[T, MergeRule(max, max, always=True)]
LeastOrNone = Annotated[int | None, MergeRule(_least, always=True)]
GreatestOrNone = Annotated[str | None, MergeRule(_greatest, always=True)]
FirstAt = Annotated[At | None, MergeRule(_least, min)]
LastAt = Annotated[At | None, MergeRule(_greatest, max)]
LastValue = Annotated[Register | None, MergeRule(_last_register, lambda registers: max(registers, key=_place))]
"""A register: the value written last counts."""

LastAtByKey = Annotated[dict[str, At], MergeRule(max_by_key)]
FirstOfEachSecond = Annotated[
    list[int], MergeRule(first_of_each_second, lambda times: _thin_out(sorted(chain.from_iterable(times))))
]

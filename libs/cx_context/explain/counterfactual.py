"""Render a customer's document as it would be without some of its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cx_context.document import Document
from cx_context.fold import new_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import MERGE_RULES, merge
from cx_context.parts.model import Part
from cx_context.sections.customer_facts import CustomerFacts
from cx_events.facts import Fact
from cx_events.timestamps import Micros

MOST_WORK = 6_000_000
"""Most work, in renderings times contacts: some ten seconds."""

EMPTY_PART = Part()
TIME_FIELDS = frozenset({"first", "last", "since", "activity", "endless_since", "first_recorded"})


class WorkLimitExceeded(Exception):
    """Raised where more renderings would be needed than can be waited for."""


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """A customer, with all facts that its parts are the sums of. ``window`` is the threading window in µs."""

    known: CustomerFacts
    facts: Sequence[Fact]
    window: Micros


class Counterfactual:
    """A customer's history, and what its document would be without some facts."""

    def __init__(self, history: CustomerHistory) -> None:
        self.history = history
        self.whole = Document(replace(history.known, latest=history.facts), history.window)
        self.work = 0
        self._place = {anchored.part_id: at for at, anchored in enumerate(history.known.parts)}
        self._facts: dict[bytes, list[Fact]] = defaultdict(list)
        for fact in history.facts:
            self._facts[fact.part_id].append(fact)
        self._singles: dict[bytes, list[Part]] = {}
        self._sums: dict[bytes, tuple[list[Part | None], list[Part | None]]] = {}

    def facts(self, part_id: bytes) -> list[Fact]:
        """Return the facts of a part."""
        return self._facts[part_id]

    def singles(self, part_id: bytes) -> list[Part]:
        """Return a part for each fact of a part."""
        singles = self._singles.get(part_id)
        if singles is None:
            singles = self._singles[part_id] = [new_part(fact) for fact in self._facts[part_id]]
        return singles

    def affecting(self, fields: Iterable[str]) -> list[tuple[Fact, frozenset[str]]]:
        """Return the facts without which one of these fields of their part would differ, and which fields would."""
        names = sorted(fields)
        affecting: list[tuple[Fact, frozenset[str]]] = []
        for part_id, facts in self._facts.items():
            changed: list[set[str]] = [set() for _ in facts]
            singles = self.singles(part_id)
            for name in names:
                for at, without in enumerate(_each_left_out([getattr(part, name) for part in singles], name)):
                    if without != getattr(self.part(part_id), name):
                        changed[at].add(name)
            affecting += [(fact, frozenset(names)) for fact, names in zip(facts, changed, strict=True) if names]
        return affecting

    def part(self, part_id: bytes) -> Part:
        """Return the part with this id."""
        return self.history.known.parts[self._place[part_id]].part

    def without(self, fact: Fact) -> Document:
        """Return the rendering without one fact."""
        return self._rendering({fact.part_id: self.part_without(fact)})

    def part_without(self, fact: Fact) -> Part | None:
        """Return the part of a fact without it; None where it was the only one."""
        part_id = fact.part_id
        if part_id not in self._sums:
            singles = self.singles(part_id)
            before: list[Part | None] = [None]
            for part in singles[:-1]:
                before.append(_sum(before[-1], part))
            after: list[Part | None] = [None]
            for part in reversed(singles[1:]):
                after.append(_sum(part, after[-1]))
            self._sums[part_id] = before, after[::-1]
        at = next(at for at, other in enumerate(self._facts[part_id]) if other is fact)
        before, after = self._sums[part_id]
        return _sum(before[at], after[at])

    def without_all(self, facts: Iterable[Fact]) -> Document:
        """Return the rendering without several facts."""
        gone: dict[bytes, set[bytes]] = defaultdict(set)
        for fact in facts:
            gone[fact.part_id].add(fact.key)
        changed: dict[bytes, Part | None] = {}
        for part_id, keys in gone.items():
            total: Part | None = None
            for fact, part in zip(self._facts[part_id], self.singles(part_id), strict=True):
                if fact.key not in keys:
                    total = _sum(total, part)
            changed[part_id] = total
        return self._rendering(changed)

    def _rendering(self, changed: Mapping[bytes, Part | None]) -> Document:
        known = self.history.known
        self.work += len(known.parts) + 50
        if self.work > MOST_WORK:
            raise WorkLimitExceeded
        parts = list(known.parts)
        for part_id, part in changed.items():
            if part is not None:
                parts[self._place[part_id]] = KeyedPart(part_id, part)
        if None in changed.values():
            parts = [each for each in parts if changed.get(each.part_id, EMPTY_PART) is not None]
        return Document(replace(known, parts=parts), self.history.window)


def _sum(one: Part | None, other: Part | None) -> Part | None:
    if one is None or other is None:
        return one if other is None else other
    return merge(one, other)


def _each_left_out(values: Sequence[Any], name: str) -> list[Any]:
    """Return, for each place, the sum of all other values."""
    by = MERGE_RULES[name].pair
    nothing = getattr(EMPTY_PART, name)
    if len(values) == 1:
        return [nothing]
    after = [values[-1]]
    for value in reversed(values[1:-1]):
        after.append(by(value, after[-1]))
    after.reverse()
    sums = [after[0]]
    before = values[0]
    for at in range(1, len(values)):
        sums.append(by(before, after[at]) if at < len(after) else before)
        before = by(before, values[at])
    return sums

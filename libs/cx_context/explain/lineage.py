"""Explain a value of the document: find the events without which it would be another.

The answer is exact, by trying: the value is rendered without an event, with who is who held fixed, and compared. It is
cheap because parts add up: the part without an event is the sum of what comes before it and what comes after
(``counterfactual``). An event whose absence changes none of the fields that feed the value need not be tried
(``source_fields``).

Several events may say the same, so that none of them is needed (two that name one order). Then those are named that
would do alone, if there are at least two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cx_context.document import Document
from cx_context.explain.counterfactual import EMPTY_PART, Counterfactual, CustomerHistory
from cx_context.explain.json_pointer import MISSING, Path, value_at
from cx_context.explain.source_fields import provenance_of
from cx_context.explain.unchanged_threading import TIME_FIELDS, UnchangedThreading
from cx_context.fold import new_part
from cx_context.sections.contact_state import STATE
from cx_context.sections.section import Provenance
from cx_context.sections.timeline import latest_entries
from cx_events.facts import Fact


@dataclass(frozen=True, slots=True)
class ValueSources:
    """The events behind a value.

    ``facts`` are newest first. ``naming`` are the keys of those without which the value would be the same, but its
    conversation would have another id.
    """

    feed: Provenance
    facts: list[Fact]
    naming: frozenset[bytes]


def explain_value(history: CustomerHistory, path: Path) -> ValueSources:
    """Return the rule of the value at a path, and the facts behind it.

    A value that depends on who is who has further sources, which the facts of identity tell. Raise
    ``WorkLimitExceeded`` where finding them would take too long.
    """
    feed = provenance_of(path)
    counterfactual = Counterfactual(history)
    if not path:
        facts = list(history.facts)
    elif path[0] == "timeline":
        shown = latest_entries(history.facts)
        names = {(entry["event"]["source"], entry["event"]["id"]) for entry in shown if len(path) == 1}
        facts = [fact for fact in history.facts if _name(fact) in names or f"{'#'.join(_name(fact))}" in path[1:2]]
    elif feed.summed:
        facts = [fact for fact in history.facts if _counts_in(counterfactual, fact, path)]
    else:
        facts = _necessary(counterfactual, feed, path) or _sufficient(counterfactual, feed, path)
    naming = frozenset(fact.key for fact in facts if len(path) > 2 and _only_names(counterfactual, fact, path))
    return ValueSources(feed, sorted(facts, key=lambda fact: fact.order, reverse=True), naming)


def _only_names(counterfactual: Counterfactual, fact: Fact, path: Path) -> bool:
    """Return whether without this fact the value is the same, but its conversation has another id."""
    if path[0] != "conversations" or path[2] in ("id", "aliases"):
        return False
    shown = {each["id"]: {each["id"], *each["aliases"]} for each in counterfactual.whole.section("conversations")}
    names = shown.get(path[1], {path[1]})
    without = counterfactual.without(fact).section("conversations")
    other = next((each for each in without if not names.isdisjoint((each["id"], *each["aliases"]))), None)
    if other is None or other["id"] == path[1]:
        return False
    return _same(value_at(other, path[2:]), _value(counterfactual.whole, path))


def _name(fact: Fact) -> tuple[str, str]:
    return fact.event.source, fact.event.id


def _counts_in(counterfactual: Counterfactual, fact: Fact, path: Path) -> bool:
    """Return whether a fact adds to the count at a path."""
    part = new_part(fact)
    if path[1] != "by_channel":
        return bool(getattr(part, path[1]))
    return bool(part.channels if len(path) == 2 else part.channels.get(path[2]))


def _value(of: Document, path: Path) -> Any:
    """Return the value at a path. Only its section is rendered; a path to a whole section compares it whole."""
    return value_at({path[0]: of.section(path[0])}, path)


def _necessary(counterfactual: Counterfactual, feed: Provenance, path: Path) -> list[Fact]:
    """Return the facts without any one of which the value would be another."""
    value = _value(counterfactual.whole, path)
    unchanged = UnchangedThreading(counterfactual, path) if feed.threaded else None
    facts = []
    for fact, changed in counterfactual.affecting(
        feed.fields | (STATE if unchanged is not None and unchanged.is_asked and unchanged.crowded else set())
    ):
        if unchanged is not None and unchanged.holds_without(fact, changed):
            continue
        if not _same(_value(counterfactual.without(fact), path), value):
            facts.append(fact)
    return facts


def _sufficient(counterfactual: Counterfactual, feed: Provenance, path: Path) -> list[Fact]:
    """Return the facts that would do without their like, where no single one is needed."""
    value = _value(counterfactual.whole, path)
    fields = feed.fields if path[0] != "conversations" else _own_fields(path)
    alike = [
        fact
        for part_id in {fact.part_id for fact in counterfactual.history.facts}
        for fact, part in zip(counterfactual.facts(part_id), counterfactual.singles(part_id), strict=True)
        if any(getattr(part, name) != getattr(EMPTY_PART, name) for name in fields)
    ]
    if len(alike) < 2 or _same(_value(counterfactual.without_all(alike), path), value):
        return []
    enough = [
        fact
        for fact in alike
        if _same(_value(counterfactual.without_all([other for other in alike if other is not fact]), path), value)
    ]
    return enough if len(enough) > 1 else alike


def _own_fields(path: Path) -> frozenset[str]:
    """Return the fields that feed a value, without those that only decide about threading, unless it is about that."""
    own = {"references": {"references"}, "joined": {"references", "links"}, "channels": {"channel"}}
    leaf = path[2] if len(path) > 2 else ""
    return frozenset(own.get(leaf, provenance_of(path).fields - TIME_FIELDS - {"interaction"}))


def _same(one: Any, other: Any) -> bool:
    return one is other or (one is not MISSING and other is not MISSING and one == other)

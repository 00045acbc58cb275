"""The events behind one value: those without which it would be another.

Exact, by trying: the value is rendered without an event, who is who held fixed, and compared. What makes it cheap is
that parts add up: "the part without this event" is the sum of what comes before it and what comes after, and an event
whose absence changes none of the fields that feed the value need not be tried (``feeds``).

Several events may say the same, so that none is needed (two that name one order): then those are named that would do
alone, if there are two or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cx_context.document import Document
from cx_context.explain.counterfactual import EMPTY_PART, Counterfactual, CustomerHistory
from cx_context.explain.json_pointer import MISSING, Path, value_at
from cx_context.explain.provenance import STATE, Provenance, provenance_of
from cx_context.explain.unchanged_threading import TIME_FIELDS, UnchangedThreading
from cx_context.fold import new_part
from cx_context.sections.timeline import latest_entries
from cx_events.facts import Fact


@dataclass(frozen=True, slots=True)
class ValueSources:
    """``facts``: newest first. ``naming``: the keys of those without which the value would be the same, but its
    conversation known by another id."""

    feed: Provenance
    facts: list[Fact]
    naming: frozenset[bytes]


def explain_value(history: CustomerHistory, path: Path) -> ValueSources:
    """The rule of the value at a path, and the facts behind it. Values that come from who is who have sources beside
    these, which facts of identity tell. Raises ``TooMuchWork``."""
    feed = provenance_of(path)
    trial = Counterfactual(history)
    if not path:
        found = list(history.facts)
    elif path[0] == "timeline":
        shown = latest_entries(history.facts)
        names = {(entry["event"]["source"], entry["event"]["id"]) for entry in shown if len(path) == 1}
        found = [fact for fact in history.facts if _name(fact) in names or f"{'#'.join(_name(fact))}" in path[1:2]]
    elif feed.summed:
        found = [fact for fact in history.facts if _counts_in(trial, fact, path)]
    else:
        found = _necessary(trial, feed, path) or _sufficient(trial, feed, path)
    naming = frozenset(fact.key for fact in found if len(path) > 2 and _only_names(trial, fact, path))
    return ValueSources(feed, sorted(found, key=lambda fact: fact.order, reverse=True), naming)


def _only_names(trial: Counterfactual, fact: Fact, path: Path) -> bool:
    if path[0] != "conversations" or path[2] in ("id", "aliases"):
        return False
    shown = {each["id"]: {each["id"], *each["aliases"]} for each in trial.whole.section("conversations")}
    names = shown.get(path[1], {path[1]})
    without = trial.without(fact).section("conversations")
    other = next((each for each in without if not names.isdisjoint((each["id"], *each["aliases"]))), None)
    if other is None or other["id"] == path[1]:
        return False
    return _same(value_at(other, path[2:]), _value(trial.whole, path))


def _name(fact: Fact) -> tuple[str, str]:
    return fact.event.source, fact.event.id


def _counts_in(trial: Counterfactual, fact: Fact, path: Path) -> bool:
    part = new_part(fact)
    if path[1] != "by_channel":
        return bool(getattr(part, path[1]))
    return bool(part.channels if len(path) == 2 else part.channels.get(path[2]))


def _value(of: Document, path: Path) -> Any:
    """Only the section that the path lies in is rendered. What is asked of a section whole is compared whole."""
    return value_at({path[0]: of.section(path[0])}, path)


def _necessary(trial: Counterfactual, feed: Provenance, path: Path) -> list[Fact]:
    value = _value(trial.whole, path)
    structure = UnchangedThreading(trial, path) if feed.threaded else None
    found = []
    for fact, changed in trial.affecting(
        feed.fields | (STATE if structure is not None and structure.is_asked and structure.crowded else set())
    ):
        if structure is not None and structure.is_untouched_by(fact, changed):
            continue
        if not _same(_value(trial.without(fact), path), value):
            found.append(fact)
    return found


def _sufficient(trial: Counterfactual, feed: Provenance, path: Path) -> list[Fact]:
    """Where no single event is needed: those that would do without their like."""
    value = _value(trial.whole, path)
    fields = feed.fields if path[0] != "conversations" else _own_fields(path)
    alike = [
        fact
        for part_id in {fact.part_id for fact in trial.history.facts}
        for fact, part in zip(trial._facts[part_id], trial.singles(part_id), strict=True)
        if any(getattr(part, name) != getattr(EMPTY_PART, name) for name in fields)
    ]
    if len(alike) < 2 or _same(_value(trial.without_all(alike), path), value):
        return []
    enough = [
        fact
        for fact in alike
        if _same(_value(trial.without_all([other for other in alike if other is not fact]), path), value)
    ]
    return enough if len(enough) > 1 else alike


def _own_fields(path: Path) -> frozenset[str]:
    """Without those that only decide about threads, unless the value is about them."""
    own = {"references": {"references"}, "joined": {"references", "links"}, "channels": {"channel"}}
    leaf = path[2] if len(path) > 2 else ""
    return frozenset(own.get(leaf, provenance_of(path).fields - TIME_FIELDS - {"interaction"}))


def _same(one: Any, other: Any) -> bool:
    return one is other or (one is not MISSING and other is not MISSING and one == other)

"""The events behind one value: those without which it would be another.

Exact, by trying: the value is rendered without an event, who is who held fixed, and compared. What makes it cheap is
that parts add up: "the part without this event" is the sum of what comes before it and what comes after, and an event
whose absence changes none of the fields that feed the value need not be tried (``feeds``).

Several events may say the same, so that none is needed (two that name one order): then those are named that would do
alone, if there are two or more.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cx_context.document import CONVERSATIONS_SHOWN, Known, Rendering, conversation_state, timeline
from cx_context.explain.json_pointer import MISSING, Path, value_at
from cx_context.explain.provenance import CORE, STATE, THREADING, Feed, feed_of
from cx_context.parts.fold import new_part
from cx_context.parts.merge import MERGERS, merge
from cx_context.parts.model import Part
from cx_context.threading.contacts import Contact, KeyedPart, contacts_of
from cx_context.threading.conversations import Conversation
from cx_context.threading.tokens import EVER
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.timestamps import Micros

MOST_WORK = 6_000_000
"""Renderings times contacts: some ten seconds."""

_EMPTY = Part()
_PLACES = frozenset({"first", "last", "since", "active", "endless", "first_recorded"})
_DECISIVE = (THREADING - _PLACES - {"channel", "channels"}) | CORE


class TooMuchWork(Exception):
    """More renderings than can be waited for."""


@dataclass(frozen=True, slots=True)
class History:
    """A customer, with all facts that its parts are the sums of."""

    known: Known
    facts: Sequence[Fact]
    window: Micros


class Trial:
    """A history, and what it would be without some of its facts."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.whole = Rendering(replace(history.known, latest=history.facts), history.window)
        self.work = 0
        self._place = {anchored.part_id: at for at, anchored in enumerate(history.known.parts)}
        self._facts: dict[bytes, list[Fact]] = defaultdict(list)
        for fact in history.facts:
            self._facts[fact.part_id].append(fact)
        self._singles: dict[bytes, list[Part]] = {}
        self._sums: dict[bytes, tuple[list[Part | None], list[Part | None]]] = {}

    def singles(self, part_id: bytes) -> list[Part]:
        found = self._singles.get(part_id)
        if found is None:
            found = self._singles[part_id] = [new_part(fact) for fact in self._facts[part_id]]
        return found

    def affecting(self, fields: Iterable[str]) -> list[tuple[Fact, frozenset[str]]]:
        """The facts without which one of these fields of their part would differ, and which ones would."""
        names = sorted(fields)
        found: list[tuple[Fact, frozenset[str]]] = []
        for part_id, facts in self._facts.items():
            changed: list[set[str]] = [set() for _ in facts]
            singles = self.singles(part_id)
            for name in names:
                for at, without in enumerate(_each_left_out([getattr(part, name) for part in singles], name)):
                    if without != getattr(self.part(part_id), name):
                        changed[at].add(name)
            found += [(fact, frozenset(names)) for fact, names in zip(facts, changed, strict=True) if names]
        return found

    def part(self, part_id: bytes) -> Part:
        return self.history.known.parts[self._place[part_id]].part

    def without(self, fact: Fact) -> Rendering:
        """The document in the making, had this event not been."""
        return self._rendering({fact.part_id: self.part_without(fact)})

    def part_without(self, fact: Fact) -> Part | None:
        """Its part then; None where it was the only fact."""
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

    def without_all(self, facts: Iterable[Fact]) -> Rendering:
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

    def _rendering(self, changed: Mapping[bytes, Part | None]) -> Rendering:
        known = self.history.known
        self.work += len(known.parts) + 50
        if self.work > MOST_WORK:
            raise TooMuchWork
        parts = list(known.parts)
        for part_id, part in changed.items():
            if part is not None:
                parts[self._place[part_id]] = KeyedPart(part_id, part)
        if None in changed.values():
            parts = [each for each in parts if changed.get(each.part_id, _EMPTY) is not None]
        return Rendering(replace(known, parts=parts), self.history.window)


def _sum(one: Part | None, other: Part | None) -> Part | None:
    if one is None or other is None:
        return one if other is None else other
    return merge(one, other)


def _each_left_out(values: Sequence[Any], name: str) -> list[Any]:
    """Of each place the sum of all other values."""
    by = MERGERS[name]
    nothing = getattr(_EMPTY, name)
    if len(values) == 1:
        return [nothing]
    after = [values[-1]]
    for value in reversed(values[1:-1]):
        after.append(by(value, after[-1]))
    after.reverse()
    found = [after[0]]
    before = values[0]
    for at in range(1, len(values)):
        found.append(by(before, after[at]) if at < len(after) else before)
        before = by(before, values[at])
    return found


@dataclass(frozen=True, slots=True)
class Sources:
    """``facts``: newest first. ``naming``: the keys of those without which the value would be the same, but its
    conversation known by another id."""

    feed: Feed
    facts: list[Fact]
    naming: frozenset[bytes]


def sources(history: History, path: Path) -> Sources:
    """The rule of the value at a path, and the facts behind it. Values that come from who is who have sources beside
    these, which facts of identity tell. Raises ``TooMuchWork``."""
    feed = feed_of(path)
    trial = Trial(history)
    if not path:
        found = list(history.facts)
    elif path[0] == "timeline":
        shown = timeline(history.facts)
        names = {(entry["event"]["source"], entry["event"]["id"]) for entry in shown if len(path) == 1}
        found = [fact for fact in history.facts if _name(fact) in names or f"{'#'.join(_name(fact))}" in path[1:2]]
    elif feed.summed:
        found = [fact for fact in history.facts if _counts_in(trial, fact, path)]
    else:
        found = _necessary(trial, feed, path) or _sufficient(trial, feed, path)
    naming = frozenset(fact.key for fact in found if len(path) > 2 and _only_names(trial, fact, path))
    return Sources(feed, sorted(found, key=lambda fact: fact.order, reverse=True), naming)


def _only_names(trial: Trial, fact: Fact, path: Path) -> bool:
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


def _counts_in(trial: Trial, fact: Fact, path: Path) -> bool:
    part = new_part(fact)
    if path[1] != "by_channel":
        return bool(getattr(part, path[1]))
    return bool(part.channels if len(path) == 2 else part.channels.get(path[2]))


def _value(of: Rendering, path: Path) -> Any:
    """Only the section that the path lies in is rendered. What is asked of a section whole is compared whole."""
    return value_at({path[0]: of.section(path[0])}, path)


def _necessary(trial: Trial, feed: Feed, path: Path) -> list[Fact]:
    value = _value(trial.whole, path)
    structure = _Structure(trial, path) if feed.threaded else None
    found = []
    for fact, changed in trial.affecting(
        feed.fields | (STATE if structure is not None and structure.is_asked and structure.crowded else set())
    ):
        if structure is not None and structure.is_untouched_by(fact, changed):
            continue
        if not _same(_value(trial.without(fact), path), value):
            found.append(fact)
    return found


def _sufficient(trial: Trial, feed: Feed, path: Path) -> list[Fact]:
    """Where no single event is needed: those that would do without their like."""
    value = _value(trial.whole, path)
    fields = feed.fields if path[0] != "conversations" else _own_fields(path)
    alike = [
        fact
        for part_id in {fact.part_id for fact in trial.history.facts}
        for fact, part in zip(trial._facts[part_id], trial.singles(part_id), strict=True)
        if any(getattr(part, name) != getattr(_EMPTY, name) for name in fields)
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
    return frozenset(own.get(leaf, feed_of(path).fields - _PLACES - {"interaction"}))


def _same(one: Any, other: Any) -> bool:
    return one is other or (one is not MISSING and other is not MISSING and one == other)


class _Structure:
    """Proof that an event's absence leaves all conversations as they are, without making them anew.

    Most events that affect threading are activity between others of their contact, or the first or last of it, and only
    move its start or its latest activity by moments. Where nothing that threading compares lies in between, it comes
    out as before.
    """

    def __init__(self, trial: Trial, path: Path) -> None:
        self._trial = trial
        self._window = trial.history.window
        contacts = trial.whole.contacts
        self._starts = sorted(each.start[0] for each in contacts)
        self._moments = sorted(time for each in contacts for time in _moments(each))
        self.is_asked = path[0] == "conversations" and len(path) > 1
        self._own = next((c for c in trial.whole.conversations if self.is_asked and text_of(c.id) == path[1]), None)
        self._of: dict[bytes, tuple[Contact, Conversation]] = {
            part_id: (member, each)
            for each in trial.whole.conversations
            for member in each.members
            for _, part_id in member.part_ids
        }
        self._endless = {each.name for each in contacts if each.is_endless}
        self.crowded = len(trial.whole.conversations) > CONVERSATIONS_SHOWN

    def is_untouched_by(self, fact: Fact, changed: frozenset[str]) -> bool:
        """Whether the asked value surely is the same without the fact."""
        was, conversation = self._of.get(fact.part_id, (None, None))
        if was is None or conversation is None or was.name in self._endless:
            return False  # of an endless interaction the other stretches may change, too
        if changed - _ONLY_BETWEEN and (not self.is_asked or conversation is self._own or changed & _DECISIVE):
            return False
        part = self._trial.part_without(fact)
        if part is None:
            return False
        pieces = [KeyedPart(each.part_id, part if each.part_id == fact.part_id else each.part) for each in was.pieces]
        now = next(iter(contacts_of(pieces, self._window)), None)
        if now is None or _channels(now) != _channels(was) or not self._moves_past_nobody(was, now):
            return False
        if not self.crowded or not changed - _ONLY_BETWEEN:
            return True
        if now.last_activity > was.last_activity or "first_recorded" in changed:
            return False
        members = [member.part for member in conversation.members]
        then = [now.part if member is was else member.part for member in conversation.members]
        return conversation_state(members) == conversation_state(then)

    def _moves_past_nobody(self, was: Contact, now: Contact) -> bool:
        """Whether every comparison that threading makes of this contact comes out the same."""
        starts, moments, window = [was.start[0]], sorted(_moments(was)), self._window
        before, after = sorted((was.start[0], now.start[0]))
        if before != after and (
            _others(self._starts, starts, before, after)
            or _others(self._moments, moments, before, after)
            or _others(self._moments, moments, before - window, after - window)
        ):
            return False
        common = sorted(_activity(was) & _activity(now))
        for time in _activity(was) ^ _activity(now):
            place = bisect_left(common, time)
            last = common[place - 1] if place else before
            following = common[place] if place < len(common) else EVER
            if _others(self._starts, starts, time, following) and (
                _others(self._moments, moments, last, time)
                or _others(self._starts, starts, last + window, time + window)
            ):
                return False
        return True


_ONLY_BETWEEN = frozenset({"active"})
"""All that an event changes which is neither the first nor the last of its contact, if nothing hangs on its words."""


def _activity(contact: Contact) -> set[Micros]:
    """Return when a contact was active, as threading takes it (``courses.Course``): its start counts, whatever began
    it, and nothing before that does."""
    start = contact.start[0]
    return {start, *(time for time in contact.part.active if time > start)}


def _moments(contact: Contact) -> Iterable[Micros]:
    """Yield all times that threading compares of a contact."""
    yield contact.start[0]
    yield contact.last_activity
    yield from contact.part.active
    for piece in contact.pieces:
        part = piece.part
        for times in (part.references, part.written, part.quoted):
            yield from times.values()
        yield from (at[0] for at, _ in part.topics)
        yield from (at[0] for at, _ in part.tokens.values())
        for each in (part.links, part.token_uses):
            yield from (at[0] for at in each.values())
        if part.resolved is not None:
            yield part.resolved[0][0]
        for at in (part.reopened, part.split):
            if at is not None:
                yield at[0]


def _channels(contact: Contact) -> tuple[str | None, bool]:
    part = contact.part
    return part.channel[1] if part.channel is not None else None, "voice" in part.channels


def _others(times: Sequence[Micros], own: Sequence[Micros], low: Micros, high: Micros) -> bool:
    """Whether any time of another contact lies within. ``times``: of all."""

    def within(some: Sequence[Micros]) -> int:
        return bisect_right(some, high) - bisect_left(some, low)

    return within(times) > within(own)

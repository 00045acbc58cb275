"""Tell what a contact is about, and when it was active, as it stood at any time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from cx_context.parts.model import Part
from cx_context.parts.undone import standing
from cx_context.parts.values import At
from cx_context.threading.contact_model import Contact
from cx_context.threading.shared_references import MATTER_KINDS
from cx_events.timestamps import Micros

Topic = tuple[At, str]
_PREFIXES = tuple(f"{kind}\n" for kind in sorted(MATTER_KINDS))


def combined_part_suffices(contact: Contact) -> bool:
    """Return whether a contact's combined part tells its whole history.

    It does if the contact was never resolved nor opened again and no piece holds a topic that another piece hides.
    """
    part = contact.part
    return part.resolution is None and part.reopened_at is None and (not part.topics or len(contact.pieces) == 1)


def matter_numbers(part: Part) -> set[str]:
    """Return a new set of all order and case numbers that a part names."""
    return {key for key in part.references if key.startswith(_PREFIXES)} if part.references else set()


class ContactHistory:
    """The events of a contact that matter for threading, by time.

    ``active`` is the contact's start and the first activity of each second. ``attended`` is when its matter was
    resolved or opened again. ``numbers`` are order and case numbers by their first mention.
    """

    __slots__ = ("active", "attended", "numbers", "topics", "until")

    def __init__(self, contact: Contact) -> None:
        part, start = contact.part, contact.start[0]
        active = part.activity
        self.active = active if active and active[0] == start else [start, *(time for time in active if time > start)]
        self.numbers: Mapping[str, Micros] = part.references
        if not all(key.startswith(_PREFIXES) for key in self.numbers):
            self.numbers = {key: time for key, time in self.numbers.items() if key.startswith(_PREFIXES)}
        self.topics: Sequence[Topic] = part.topics
        self.attended: Sequence[Micros] = ()
        self.until = part.until
        if not combined_part_suffices(contact):
            self._of_pieces(contact)

    def _of_pieces(self, contact: Contact) -> None:
        parts = [piece.part for piece in contact.pieces]
        resolved = [part.resolution[0][0] for part in parts if part.resolution is not None]
        reopened = [part.reopened_at[0] for part in parts if part.reopened_at is not None]
        self.attended = sorted([*resolved, *reopened])
        topics = sorted((topic for part in parts for topic in part.topics), reverse=True)
        self.topics = standing(topics, contact.part.undone) if contact.part.undone else topics

    def active_at(self, time: Micros) -> Micros:
        """Return the latest activity up to a time, which must not be before the start."""
        return self.active[-1] if self.active[-1] <= time else self.active[bisect_right(self.active, time) - 1]

    def attended_at(self, time: Micros) -> Micros:
        """Return when the contact was last active, resolved or opened again, up to a time."""
        attended = bisect_right(self.attended, time)
        return max(self.active_at(time), self.attended[attended - 1]) if attended else self.active_at(time)

    def numbers_at(self, time: Micros) -> set[str]:
        """Return the order and case numbers named up to a time."""
        if self.until <= time:
            return {*self.numbers}
        return {key for key, mentioned in self.numbers.items() if mentioned <= time}

    def topic_at(self, time: Micros) -> Topic | None:
        """Return the topic at a time, or None."""
        return next((topic for topic in self.topics if topic[0][0] <= time), None)

    def after(self, time: Micros) -> list[tuple[Micros, bool]]:
        """Return (time, whether it changes what the contact is about) of everything that happens later."""
        changes = [(each, False) for each in self.active[bisect_right(self.active, time) :]]
        changes += [(each, False) for each in self.attended if each > time]
        changes += [(each, True) for each in self.numbers.values() if each > time]
        changes += [(topic[0][0], True) for topic in self.topics if topic[0][0] > time]
        return changes


class Matter:
    """The matter of a conversation: the order and case numbers that it names, and the topic that was set last."""

    __slots__ = ("numbers", "topic")

    def __init__(self, numbers: set[str], topic: Topic | None) -> None:
        self.numbers = numbers
        self.topic = topic

    def copy(self) -> Matter:
        """Return a copy that no later joining changes."""
        return Matter(set(self.numbers), self.topic)

    def absorb(self, other: Matter) -> None:
        """Add another matter to this one; the other must not be used afterwards."""
        if len(self.numbers) < len(other.numbers):
            self.numbers, other.numbers = other.numbers, self.numbers
        if other.numbers:
            self.numbers |= other.numbers
        if self.topic is None or (other.topic is not None and other.topic[0] > self.topic[0]):
            self.topic = other.topic

    def agrees(self, other: Matter) -> bool:
        """Return True unless both matters are named, by numbers or by topics, and differ."""
        if self.numbers and other.numbers:
            return not self.numbers.isdisjoint(other.numbers)
        one, another = self.topic, other.topic
        if one is None or another is None or not one[1] or not another[1]:
            return True
        return one[1].casefold() == another[1].casefold()

"""Keep a customer's conversations as they stand at one moment of the sweep, and the latest of them in order."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

from cx_context.threading.matters import Matter, Topic
from cx_events.timestamps import Micros

LOOK_BACK = 16
"""How many of the latest conversations a contact may continue by time."""

_RANKED = 4 * LOOK_BACK
"""How many conversations are kept in order, so that all must be sorted anew only seldom."""


class OpenConversation(Matter):
    """A conversation as it stands: its contacts' places, and what it is about.

    ``latest`` is (when it was active last, the place of the contact that was). ``until`` is when it was last attended
    to: active, resolved or opened again. ``splits`` counts the contacts that a person split off.
    """

    __slots__ = ("first", "latest", "members", "splits", "until")

    def __init__(
        self, place: int, active: Micros, until: Micros, numbers: set[str], topic: Topic | None, splits: int
    ) -> None:
        self.numbers = numbers
        self.topic = topic
        self.members = [place]
        self.first = place
        self.splits = splits
        self.latest = (active, place)
        self.until = until

    def take(self, other: OpenConversation) -> None:
        """Take in all contacts of another conversation, and what it is about."""
        self.absorb(other)
        self.members += other.members
        self.splits += other.splits
        self.first = min(self.first, other.first)
        self.latest = max(self.latest, other.latest)
        self.until = max(self.until, other.until)


class RecentConversations:
    """The latest conversations in ``ranked``, latest first: at least ``LOOK_BACK`` of them where there are as many.

    ``all`` is the conversation of each contact, shared with the sweep that changes it.
    """

    __slots__ = ("_all", "ranked")

    def __init__(self, all: Sequence[OpenConversation]) -> None:
        self._all = all
        self.ranked: list[OpenConversation] = []

    def is_complete_since(self, time: Micros) -> bool:
        """Return whether all that a contact may continue was active after a time."""
        return len(self.ranked) >= LOOK_BACK and self.ranked[LOOK_BACK - 1].latest[0] > time

    def add(self, one: OpenConversation) -> None:
        """Put a conversation in its place, unless it is older than all that are ranked."""
        ranked = self.ranked
        if ranked and len(ranked) >= LOOK_BACK and one.latest < ranked[-1].latest:
            return
        place = 0
        for other in ranked:
            if other.latest < one.latest:
                break
            place += 1
        ranked.insert(place, one)
        if len(ranked) > _RANKED:
            ranked.pop()

    def move(self, one: OpenConversation) -> None:
        """Put a conversation that was active again in its new place."""
        ranked = self.ranked
        if ranked and ranked[0] is one and (len(ranked) == 1 or ranked[1].latest < one.latest):
            return
        if one in ranked:
            ranked.remove(one)
        self.add(one)

    def remove(self, one: OpenConversation) -> None:
        """Remove a conversation that has become part of another."""
        if one in self.ranked:
            self.ranked.remove(one)
            if len(self.ranked) < LOOK_BACK:
                self.refill()

    def refill(self) -> None:
        """Rank all conversations anew."""
        every = {id(each): each for each in self._all}
        self.ranked = nlargest(_RANKED, every.values(), key=lambda each: each.latest)

"""Join sets of contacts into conversations, and keep splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection


class _JoinedSet:
    """Contacts by their places. ``first`` is the least place; ``splits`` counts those that a person split off."""

    __slots__ = ("first", "members", "splits")

    def __init__(self, place: int, splits: int) -> None:
        self.members = [place]
        self.first = place
        self.splits = splits


class JoinedSets:
    """The conversations of the first ``count`` contacts, as sets of places.

    A split contact begins a conversation: it is never joined behind an earlier contact. ``edges`` has for each place
    (other place, rule, evidence) of every join that was made there.
    """

    def __init__(self, count: int, splits: Collection[int]) -> None:
        self.splits = set(splits)
        self.of = [_JoinedSet(place, int(place in self.splits)) for place in range(count)]
        self.edges: dict[int, list[tuple[int, str, str]]] = defaultdict(list)

    def take_back_split(self, place: int) -> None:
        """Let a contact be joined behind earlier ones again."""
        if place in self.splits:
            self.splits.remove(place)
            self.of[place].splits -= 1

    def join(self, one: int, other: int, rule: str, evidence: str) -> None:
        """Join the sets of two contacts, unless a split keeps them apart."""
        a, b = self.of[one], self.of[other]
        if a is b:
            return
        splits = a.splits + b.splits
        if splits and splits > (min(a.first, b.first) in self.splits):
            return
        if len(a.members) < len(b.members):
            a, b = b, a
        for member in b.members:
            self.of[member] = a
        a.members += b.members
        a.first = min(a.first, b.first)
        a.splits = splits
        self.edges[one].append((other, rule, evidence))
        self.edges[other].append((one, rule, evidence))

    def all(self) -> list[list[int]]:
        """Return the places of each set, in order of the first."""
        return [sorted(one.members) for place, one in enumerate(self.of) if one.first == place]

"""Contacts found to be one conversation, as sets that grow by joining."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection


class Group:
    """Contacts by their places. ``first``: the least place. ``splits``: how many of them a person split off."""

    __slots__ = ("first", "members", "splits")

    def __init__(self, place: int, splits: int) -> None:
        self.members = [place]
        self.first = place
        self.splits = splits


class JoinedSets:
    """The conversations of the first ``count`` contacts. A split contact begins a conversation: it is refused a place
    behind an earlier one.

    ``edges``: of a place those that a rule joined it to: (place, rule, evidence)."""

    def __init__(self, count: int, splits: Collection[int]) -> None:
        self.splits = set(splits)
        self.of = [Group(place, int(place in self.splits)) for place in range(count)]
        self.edges: dict[int, list[tuple[int, str, str]]] = defaultdict(list)

    def take_back_split(self, place: int) -> None:
        if place in self.splits:
            self.splits.remove(place)
            self.of[place].splits -= 1

    def join(self, one: int, other: int, rule: str, evidence: str) -> None:
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
        """The places of each, in order of the first."""
        return [sorted(group.members) for place, group in enumerate(self.of) if group.first == place]

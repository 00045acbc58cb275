"""Groups of profiles that grow together under guard: the working state of one resolution."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.ids import NodeId
from cx_identity.model import Profile

_NONE: frozenset[str] = frozenset()


class Group:
    """Profiles found to be one. ``foes``: (rank, other profile, decision) for each pair kept apart with an end here."""

    __slots__ = ("exclusive", "foes", "members")

    def __init__(self, member: NodeId, exclusive: frozenset[str]) -> None:
        self.members = [member]
        self.exclusive = exclusive
        self.foes: list[tuple[int, NodeId, str]] = []


class Groups:
    """At first each profile is a group of its own. ``exclusive`` kinds are noted, so that two of a kind are seen."""

    __slots__ = ("of",)

    def __init__(self, profiles: Mapping[NodeId, Profile], exclusive: frozenset[str]) -> None:
        self.of = {
            id: Group(id, frozenset((profile.kind,)) if profile.kind in exclusive else _NONE)
            for id, profile in profiles.items()
        }

    def unite(self, one: Group, other: Group) -> None:
        """Make two groups one. The smaller moves, so that n profiles move at most n log n times."""
        if len(one.members) < len(other.members):
            one, other = other, one
        of = self.of
        for member in other.members:
            of[member] = one
        one.members += other.members
        if other.foes:
            one.foes += other.foes
        if other.exclusive:
            one.exclusive |= other.exclusive

    def keep_apart(self, a: NodeId, b: NodeId, rank: int, decision: str) -> None:
        """From now on ``foe`` finds this pair. ``rank``: of several such decisions the least is named."""
        self.of[a].foes.append((rank, b, decision))
        self.of[b].foes.append((rank, a, decision))

    def foe(self, one: Group, other: Group) -> str:
        """The decision that keeps some pair across the two apart, or an empty text."""
        if not one.foes or not other.foes:
            return ""
        if len(one.foes) > len(other.foes):
            one, other = other, one
        found = min((foe for foe in one.foes if self.of[foe[1]] is other), default=None)
        return "" if found is None else found[2]

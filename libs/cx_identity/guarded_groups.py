"""Groups of profiles that grow together under guard: the working state of one resolution."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.ids import NodeId
from cx_identity.model import Profile
from cx_identity.outcome import RefusalReason

_NONE: frozenset[str] = frozenset()

KINDS_CLAIMS_KEEP_APART: Mapping[str, int] = {"crm": 1, "account": 2, "email": 4, "phone": 8}
"""Kinds of which a claim never brings two values together, as bits, strongest first."""

MOST_CORES = 256
"""Cores that claims may make one group of, so that a chain of claims costs nobody more than that."""


class GuardedGroup:
    """Profiles found to be one. ``foes``: (rank, other profile, decision) for each pair kept apart with an end here.

    ``known`` (the id of its known core), ``kinds`` (bits of ``ONE_OF_A_KIND``) and ``cores`` are asked by claims.
    """

    __slots__ = ("cores", "exclusive", "foes", "kinds", "known", "members")

    def __init__(self, member: NodeId, exclusive: frozenset[str], kinds: int) -> None:
        self.members = [member]
        self.exclusive = exclusive
        self.foes: list[tuple[int, NodeId, str]] = []
        self.known: NodeId | None = None
        self.kinds = kinds
        self.cores = 1

    def begin_claims(self, known: NodeId | None) -> None:
        """Take the group as one core: a ``known`` one by its id, or one that is not."""
        self.known = known
        self.cores = 1


class GuardedGroups:
    """At first each profile is a group of its own. ``exclusive`` kinds are noted, so that two of a kind are seen."""

    __slots__ = ("of",)

    def __init__(self, profiles: Mapping[NodeId, Profile], exclusive: frozenset[str]) -> None:
        self.of = {
            id: GuardedGroup(
                id,
                frozenset((profile.kind,)) if profile.kind in exclusive else _NONE,
                KINDS_CLAIMS_KEEP_APART.get(profile.kind, 0),
            )
            for id, profile in profiles.items()
        }

    def unite(self, one: GuardedGroup, other: GuardedGroup) -> None:
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
        one.kinds |= other.kinds
        one.cores += other.cores
        if one.known is None:
            one.known = other.known

    def keep_apart(self, a: NodeId, b: NodeId, rank: int, decision: str) -> None:
        """From now on ``foe`` finds this pair. ``rank``: of several such decisions the least is named."""
        self.of[a].foes.append((rank, b, decision))
        self.of[b].foes.append((rank, a, decision))

    def foe(self, one: GuardedGroup, other: GuardedGroup) -> str:
        """Return the decision that keeps some pair across the two apart, or an empty text."""
        if not one.foes or not other.foes:
            return ""
        if len(one.foes) > len(other.foes):
            one, other = other, one
        found = min((foe for foe in one.foes if self.of[foe[1]] is other), default=None)
        return "" if found is None else found[2]

    def against(self, one: GuardedGroup, other: GuardedGroup) -> tuple[RefusalReason, str] | None:
        """Return what stands against an edge that would unite two groups: why, and by what."""
        foe = self.foe(one, other)
        if foe:
            return "apart", foe
        if one.exclusive and other.exclusive and not one.exclusive.isdisjoint(other.exclusive):
            return "exclusive", min(one.exclusive & other.exclusive)
        return None

    def against_claim(self, one: GuardedGroup, other: GuardedGroup) -> tuple[RefusalReason, str] | None:
        """Return what stands against a claim that would unite two groups."""
        found = self.against(one, other)
        if found is not None:
            return found
        if one.known is not None and other.known is not None:
            return "known", ""
        both = one.kinds & other.kinds
        if both:
            return "kind", next(kind for kind, bit in KINDS_CLAIMS_KEEP_APART.items() if bit & both)
        if one.cores + other.cores > MOST_CORES:
            return "size", ""
        return None

"""Unite groups of profiles while guards refuse some unions: the working state of one resolution."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.ids import NodeId
from cx_identity.model import Profile
from cx_identity.outcome import RefusalReason

_NONE: frozenset[str] = frozenset()

KINDS_CLAIMS_KEEP_APART: Mapping[str, int] = {"crm": 1, "account": 2, "email": 4, "phone": 8}
"""Kinds of which a claim never brings two values together, each as a bit, strongest kind first."""

MOST_CORES = 256
"""Most cores that claims may unite in one group. It bounds what a chain of claims can cost."""


class GuardedGroup:
    """Profiles that belong together so far.

    ``exclusive`` are the exclusive kinds among its members. ``kept_apart`` has (rank, other profile, decision) for each
    pair kept apart with an end here. The guards of claims read ``known`` (the id of its known core, if any), ``kinds``
    (bits of ``KINDS_CLAIMS_KEEP_APART``) and ``cores`` (how many cores claims united here).
    """

    __slots__ = ("cores", "exclusive", "kept_apart", "kinds", "known", "members")

    def __init__(self, member: NodeId, exclusive: frozenset[str], kinds: int) -> None:
        self.members = [member]
        self.exclusive = exclusive
        self.kept_apart: list[tuple[int, NodeId, str]] = []
        self.known: NodeId | None = None
        self.kinds = kinds
        self.cores = 1

    def begin_claims(self, known: NodeId | None) -> None:
        """Count the group as one core from here on; ``known`` is its id if it is a known core."""
        self.known = known
        self.cores = 1


class GuardedGroups:
    """The group of each profile, in ``of``; at first each profile is a group of its own.

    Groups note the values of ``exclusive`` kinds that they hold, so that no edge brings two of one kind together.
    """

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
        """Unite two groups. The smaller one moves, so n profiles move at most n log n times."""
        if len(one.members) < len(other.members):
            one, other = other, one
        of = self.of
        for member in other.members:
            of[member] = one
        one.members += other.members
        if other.kept_apart:
            one.kept_apart += other.kept_apart
        if other.exclusive:
            one.exclusive |= other.exclusive
        one.kinds |= other.kinds
        one.cores += other.cores
        if one.known is None:
            one.known = other.known

    def keep_apart(self, a: NodeId, b: NodeId, rank: int, decision: str) -> None:
        """Keep two profiles apart by a decision. Of several decisions ``parting_decision`` names that of least rank."""
        self.of[a].kept_apart.append((rank, b, decision))
        self.of[b].kept_apart.append((rank, a, decision))

    def parting_decision(self, one: GuardedGroup, other: GuardedGroup) -> str:
        """Return the decision that keeps a pair across two groups apart, or an empty text."""
        if not one.kept_apart or not other.kept_apart:
            return ""
        if len(one.kept_apart) > len(other.kept_apart):
            one, other = other, one
        least = min((pair for pair in one.kept_apart if self.of[pair[1]] is other), default=None)
        return "" if least is None else least[2]

    def against(self, one: GuardedGroup, other: GuardedGroup) -> tuple[RefusalReason, str] | None:
        """Return why an edge must not unite two groups, and by what (decision or kind), or None if it may."""
        parting = self.parting_decision(one, other)
        if parting:
            return "apart", parting
        if one.exclusive and other.exclusive and not one.exclusive.isdisjoint(other.exclusive):
            return "exclusive", min(one.exclusive & other.exclusive)
        return None

    def against_claim(self, one: GuardedGroup, other: GuardedGroup) -> tuple[RefusalReason, str] | None:
        """Return why a claim must not unite two groups, and by what, or None if it may.

        A claim is refused for the same reasons as any edge, and also if both groups hold a known core, if both hold a
        value of one kind of crm, account, email or phone, or if they hold too many cores.
        """
        refusal = self.against(one, other)
        if refusal is not None:
            return refusal
        if one.known is not None and other.known is not None:
            return "known", ""
        both = one.kinds & other.kinds
        if both:
            return "kind", next(kind for kind, bit in KINDS_CLAIMS_KEEP_APART.items() if bit & both)
        if one.cores + other.cores > MOST_CORES:
            return "size", ""
        return None

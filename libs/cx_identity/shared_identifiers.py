"""Shared identifiers: a family's phone, a switchboard, a mailbox of a whole team.

An identifier is shared if

- more than N distinct values of any one kind of equal or higher rank are tied to it; N is the rules' ``shared_after``
  of its own kind. Weaker kinds don't count: a person may have six cookies;
- or two attested values of ``account``, or of ``crm``, are tied to it and it is of a weaker kind, whatever N is;
- or, counting all pairs, more than ``CROWD`` identifiers of whatever kind are.

It is *firmly* shared if that holds of its proved and asserted pairs alone. The property is local and grows with the set
of facts, so it depends on no order: the edges that came before the one too many stop linking as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from cx_events.identifiers import rank_of
from cx_events.ids import NodeId
from cx_identity.model import STRONG_KINDS, Edge, Graph, Profile, SharedIdentifiers
from cx_identity.rules import Rules

MOST_NEIGHBOURS = 256
"""Identifiers that may be tied to one before its claims link no more: a stranger can name an address as often as he
likes, each time beside a cookie that he makes up."""


class SharedReason(Struct, frozen=True, gc=False):
    """Why an identifier is shared: ``count`` values of ``kind`` are tied to it, and ``allowed`` would be one person.
    ``kind`` is empty where values of whatever kind are counted."""

    kind: str
    count: int
    allowed: int

    def sentence(self) -> str:
        """Return the reason as an operator reads it."""
        what = f"values of kind {self.kind}" if self.kind else "identifiers"
        return f"tied to {self.count} {what}; more than {self.allowed} are not one person"


def shared_reason(profile: Profile, neighbours: Iterable[Profile], rules: Rules) -> SharedReason | None:
    """Return why this identifier is shared, or None. ``neighbours``: the profiles that edges tie to it, in any order,
    each once: those of all edges, or of proved and asserted ones.

    Values that may not link are neither shared nor counted. Of several kinds the strongest is named.
    """
    if not rules.may_link(profile):
        return None
    return reason_counting_all(
        profile.kind, [neighbour for neighbour in neighbours if rules.may_link(neighbour)], rules
    )


def reason_counting_all(kind: str, neighbours: Sequence[Profile], rules: Rules) -> SharedReason | None:
    """Return why an identifier of this kind is shared counting all pairs, where it and all the neighbours, those of
    all its edges, may link."""
    crowd = reason_counting_firm(kind, neighbours, rules)
    if crowd is None and len(neighbours) > MOST_NEIGHBOURS:
        return SharedReason("", len(neighbours), MOST_NEIGHBOURS)
    return crowd


def reason_counting_firm(kind: str, neighbours: Sequence[Profile], rules: Rules) -> SharedReason | None:
    """Return why an identifier of this kind is firmly shared. ``neighbours``: those of its proved and asserted edges.

    A company's CRM may well assert hundreds of telephones for one customer, so ``CROWD`` does not bound these.
    """
    rank, allowed = rank_of(kind), rules.shared_after.get(kind)
    if len(neighbours) <= (1 if allowed is None else min(allowed, 1)):
        return None
    counts: dict[str, int] = {}
    attested: dict[str, int] = {}
    for neighbour in neighbours:
        counts[neighbour.kind] = counts.get(neighbour.kind, 0) + 1
        if neighbour.attested and neighbour.kind in STRONG_KINDS:
            attested[neighbour.kind] = attested.get(neighbour.kind, 0) + 1
    crowds = [SharedReason(one, n, 1) for one, n in attested.items() if n > 1 and rank_of(one) < rank]
    if allowed is not None:
        crowds += [SharedReason(one, n, allowed) for one, n in counts.items() if n > allowed and rank_of(one) <= rank]
    if not crowds:
        return None
    return min(crowds, key=lambda crowd: (rank_of(crowd.kind), crowd.kind, crowd.allowed))


def find_shared(profiles: Mapping[NodeId, Profile], edges: Iterable[Edge], rules: Rules) -> SharedIdentifiers:
    """Return the shared identifiers, where ``edges`` are all that these profiles have."""
    silent = never_linking(profiles, rules)
    every: dict[NodeId, list[Profile]] = {}
    firm: dict[NodeId, list[Profile]] = {}
    for edge in edges:
        a, b = edge.a, edge.b
        if a in silent or b in silent:
            continue
        one, other = profiles[a], profiles[b]
        every.setdefault(a, []).append(other)
        every.setdefault(b, []).append(one)
        if edge.firm:
            firm.setdefault(a, []).append(other)
            firm.setdefault(b, []).append(one)
    return SharedIdentifiers(
        frozenset(id for id, near in every.items() if reason_counting_all(profiles[id].kind, near, rules) is not None),
        frozenset(id for id, near in firm.items() if reason_counting_firm(profiles[id].kind, near, rules) is not None),
    )


def never_linking(profiles: Mapping[NodeId, Profile], rules: Rules) -> frozenset[NodeId]:
    """Return those that may not link."""
    return frozenset(id for id, profile in profiles.items() if not rules.may_link(profile))


def shared_in(graph: Graph, rules: Rules) -> SharedIdentifiers:
    """Return the graph's shared identifiers: as it says, or as its edges prove."""
    return find_shared(graph.profiles, graph.edges, rules) if graph.shared is None else graph.shared

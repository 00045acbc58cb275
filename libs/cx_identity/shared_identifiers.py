"""Find shared identifiers: a family's phone, a switchboard, a team's mailbox.

An identifier is shared if

- more than N distinct values of any one kind of equal or higher rank are tied to it; N is the rules' ``shared_after``
  of its own kind. Weaker kinds don't count: a person may have six cookies;
- or two attested values of ``account``, or two of ``crm``, are tied to it and it is of a weaker kind, whatever N is;
- or, counting all pairs, more than ``MOST_NEIGHBOURS`` identifiers of any kinds are tied to it.

This is counted twice: over all pairs, and over proved and asserted pairs only. The property is local and only grows
with the set of facts, so it depends on no order: edges that came before the one too many stop linking, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct

from cx_events.identifiers import rank_of
from cx_events.ids import NodeId
from cx_identity.model import STRONG_KINDS, Edge, Graph, Profile, SharedIdentifiers
from cx_identity.rules import Rules

MOST_NEIGHBOURS = 256
"""Most identifiers that may be tied to one before its claims stop linking. A stranger can type an address as often as
he likes, each time beside a cookie that he makes up."""


class SharedReason(Struct, frozen=True, gc=False):
    """Why an identifier is shared: ``count`` values of ``kind`` are tied to it, more than the ``allowed`` ones.

    ``kind`` is empty where values of all kinds are counted together.
    """

    kind: str
    count: int
    allowed: int

    def sentence(self) -> str:
        """Return the reason in words, for an operator."""
        what = f"values of kind {self.kind}" if self.kind else "identifiers"
        return f"tied to {self.count} {what}; more than {self.allowed} are not one person"


def shared_reason(profile: Profile, neighbours: Iterable[Profile], rules: Rules) -> SharedReason | None:
    """Return why this identifier is shared, or None.

    ``neighbours`` are the profiles that its edges tie to it, each once, in any order: of all edges, or of proved and
    asserted ones. Values that may not link are neither shared nor counted. Of several kinds the strongest is named.
    """
    if not rules.may_link(profile):
        return None
    return reason_counting_all(
        profile.kind, [neighbour for neighbour in neighbours if rules.may_link(neighbour)], rules
    )


def reason_counting_all(kind: str, neighbours: Sequence[Profile], rules: Rules) -> SharedReason | None:
    """Return why an identifier of this kind is shared counting all pairs, or None.

    ``neighbours`` are those of all its edges. They and the identifier must be values that may link.
    """
    reason = reason_counting_firm(kind, neighbours, rules)
    if reason is None and len(neighbours) > MOST_NEIGHBOURS:
        return SharedReason("", len(neighbours), MOST_NEIGHBOURS)
    return reason


def reason_counting_firm(kind: str, neighbours: Sequence[Profile], rules: Rules) -> SharedReason | None:
    """Return why an identifier of this kind is shared counting proved and asserted pairs, or None.

    ``neighbours`` are those of its proved and asserted edges. ``MOST_NEIGHBOURS`` does not bound them: a company's CRM
    may well assert hundreds of telephones for one customer.
    """
    allowed = rules.shared_after.get(kind)
    if len(neighbours) <= (0 if allowed == 0 else 1):
        return None
    rank = rank_of(kind)
    counts: dict[str, int] = {}
    attested: dict[str, int] = {}
    for neighbour in neighbours:
        counts[neighbour.kind] = counts.get(neighbour.kind, 0) + 1
        if neighbour.attested and neighbour.kind in STRONG_KINDS:
            attested[neighbour.kind] = attested.get(neighbour.kind, 0) + 1
    reasons = [SharedReason(one, n, 1) for one, n in attested.items() if n > 1 and rank_of(one) < rank]
    if allowed is not None:
        reasons += [SharedReason(one, n, allowed) for one, n in counts.items() if n > allowed and rank_of(one) <= rank]
    if not reasons:
        return None
    return min(reasons, key=lambda reason: (rank_of(reason.kind), reason.kind, reason.allowed))


def find_shared(
    profiles: Mapping[NodeId, Profile], edges: Iterable[Edge], rules: Rules, unlinked: Set[NodeId]
) -> SharedIdentifiers:
    """Return the shared identifiers among ``profiles``. ``edges`` must be all that these profiles have, ``unlinked``
    those that never link."""
    every: dict[NodeId, list[Profile]] = {}
    firm: dict[NodeId, list[Profile]] = {}
    for edge in edges:
        a, b = edge.a, edge.b
        if a in unlinked or b in unlinked:
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
    """Return the profiles whose values never link anybody (``rules.may_link``)."""
    return frozenset(id for id, profile in profiles.items() if not rules.may_link(profile))


def unlinked_in(graph: Graph, rules: Rules) -> frozenset[NodeId]:
    """Return a graph's profiles whose values never link anybody: those that it names, else by the rules."""
    return never_linking(graph.profiles, rules) if graph.unlinked is None else graph.unlinked


def shared_in(graph: Graph, rules: Rules, unlinked: Set[NodeId]) -> SharedIdentifiers:
    """Return a graph's shared identifiers: those that it names, else those found from its edges."""
    return find_shared(graph.profiles, graph.edges, rules, unlinked) if graph.shared is None else graph.shared

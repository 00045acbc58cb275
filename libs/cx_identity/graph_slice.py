"""What a store reads of the graph for a recomputation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from cx_events.ids import NodeId
from cx_identity.model import Decision, Edge, Profile


class ResolvedProfile(NamedTuple):
    """What the store resolved of a profile last. Of one that it has no row of, what a lone new profile has:
    ``customer`` and ``core`` itself, the rest false."""

    customer: NodeId
    core: NodeId
    shared: bool = False
    firmly_shared: bool = False
    decided: bool = False


@dataclass(frozen=True, slots=True)
class GraphSlice:
    """What the store knows about some wanted profiles, all changes included.

    ``profiles``: the wanted ones (as far as any fact names them) and the other end of every edge given.

    ``edges``: every edge with a wanted end, once or more. Some wanted profiles may be spared: of one in
    ``stays_shared`` its proved and asserted edges suffice, or where it was firmly shared its proved ones; of one that
    may not link (``rules.may_link``) none is needed.

    ``decisions``: every merge, apart and dismissal that names a wanted profile, and every withdrawal that names one of
    those (by ``Decision.name``) or one of the withdrawals given.

    ``placed``: of ``profiles``, those of which the store has more to say than ``Placed`` does by default.

    ``members``: for the customer of each wanted profile all its members, as the store last resolved it; a customer of
    one profile may be left out.

    ``stays_shared``: wanted profiles that are shared as before without proof. The store may say so of any that was
    shared and has lost no edge since: under the same rules, more facts never make an identifier cease to be shared. It
    may not after a change of rules, nor where a better copy of an event took an edge away.
    """

    profiles: Mapping[NodeId, Profile]
    edges: Iterable[Edge] = ()
    decisions: Iterable[Decision] = ()
    placed: Mapping[NodeId, ResolvedProfile] = field(default_factory=dict)
    members: Mapping[NodeId, Collection[NodeId]] = field(default_factory=dict)
    stays_shared: Set[NodeId] = frozenset()

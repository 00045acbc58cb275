"""Hold what a store reads of the graph so that ``affected_scope`` can resolve a part of it again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from cx_events.ids import NodeId
from cx_identity.model import Decision, Edge, Profile


class ResolvedProfile(NamedTuple):
    """The result of the last resolution for a profile, as the store keeps it.

    For a profile without a stored row, ``ResolvedProfile(id, id)`` stands: it is its own customer and core, and the
    rest is false. ``firmly_shared`` means shared counting proved and asserted pairs only.
    """

    customer: NodeId
    core: NodeId
    shared: bool = False
    firmly_shared: bool = False
    decided: bool = False


@dataclass(frozen=True, slots=True)
class GraphSlice:
    """The stored graph around some profiles, with the current changes.

    - ``profiles``: the wanted ones (as far as any fact names them) and the other end of every edge given.
    - ``edges``: every edge with a wanted end, once or more often. Some may be spared: for a profile in ``stays_shared``
      its proved and asserted edges suffice, or its proved ones if it was firmly shared; for one that may not link
      (``rules.may_link``) none are needed.
    - ``decisions``: every merge, apart and dismissal that names a wanted profile, and every withdrawal that names one
      of those (by ``Decision.name``) or one of the withdrawals given.
    - ``resolved``: of ``profiles``, those of which the store knows more than the default of ``ResolvedProfile``.
    - ``members``: for the customer of each wanted profile all its members, by the last resolution. Customers of one
      profile may be left out.
    - ``stays_shared``: wanted profiles that are shared as before and need no proof. The store may name any that was
      shared and has lost no edge since: under the same rules, more facts never make an identifier cease to be shared.
      It must not after a change of rules, nor where a better copy of an event took an edge away.
    """

    profiles: Mapping[NodeId, Profile]
    edges: Iterable[Edge] = ()
    decisions: Iterable[Decision] = ()
    resolved: Mapping[NodeId, ResolvedProfile] = field(default_factory=dict)
    members: Mapping[NodeId, Collection[NodeId]] = field(default_factory=dict)
    stays_shared: Set[NodeId] = frozenset()

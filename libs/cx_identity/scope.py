"""How far a change can reach: the part of the graph to resolve again, read step by step.

Let H be the graph whose edges are those that are *active* (an unverified edge of a shared identifier is not, nor any
of an identifier that may not link; refused edges are) and the pairs that decisions name. What ``resolve`` says of a
profile depends on its component of H alone. So after a change those components of the new H need resolving that hold

- a profile that is new or was first recorded earlier than known, or an end of an edge that is new or changed,
- a profile that a new decision names, or one that a newly withdrawn (or restored) decision names,
- an end of an edge that was active and no longer is, or the reverse: all neighbours of an identifier that turned
  shared, or ceased to be.

The first two are the *dirty* profiles that the caller names; this room finds the rest. It does no I/O::

    scope = Scope(dirty, rules)
    while wanted := scope.wants():
        scope.give(read(wanted))
    resolution = resolve(scope.graph(), rules)      # decides exactly scope.nodes

After a change of rules every profile is dirty, or ``resolve`` is given the whole graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from cx_events.ids import NodeId
from cx_identity.model import Decision, Edge, Graph, Profile
from cx_identity.rules import Rules
from cx_identity.sharing import crowd_among, silent_among


@dataclass(frozen=True, slots=True)
class GraphSlice:
    """What the store knows about some wanted profiles, all changes included.

    ``profiles``: the wanted ones (as far as any fact names them) and the other end of every edge given.

    ``edges``: every edge with a wanted end, once or more. Two kinds of wanted profile may be spared: of one in
    ``stays_shared`` its verified edges suffice, of one that may not link (``rules.may_link``) none is needed.

    ``decisions``: every merge, apart and dismissal that names a wanted profile, and every withdrawal that names one of
    those (by ``Decision.name``) or one of the withdrawals given.

    ``previously_shared``: which of ``profiles`` were shared when the store last resolved them.

    ``stays_shared``: wanted profiles that are shared without proof. The store may say so of any ``previously_shared``
    that has lost no edge since: under the same rules, more facts never make an identifier cease to be shared. It may
    not after a change of rules, nor where a better copy of an event took an edge away.
    """

    profiles: Mapping[NodeId, Profile]
    edges: Iterable[Edge] = ()
    decisions: Iterable[Decision] = ()
    previously_shared: Set[NodeId] = frozenset()
    stays_shared: Set[NodeId] = frozenset()


class Scope:
    """One recomputation. ``nodes``: the profiles that it decides about, as far as read."""

    __slots__ = ("_asked", "_decisions", "_edges", "_profiles", "_rules", "_shared", "_silent", "_wanted", "nodes")

    def __init__(self, dirty: Iterable[NodeId], rules: Rules) -> None:
        """``dirty``: as the module says; for a withdrawal, the profiles that the withdrawn decision names."""
        self._rules = rules
        self._wanted = frozenset(dirty)
        self._asked: set[NodeId] = set()
        self.nodes: set[NodeId] = set()
        self._profiles: dict[NodeId, Profile] = {}
        self._edges: dict[tuple[NodeId, NodeId], Edge] = {}
        self._decisions: dict[bytes, Decision] = {}
        self._shared: set[NodeId] = set()
        self._silent: set[NodeId] = set()

    def wants(self) -> frozenset[NodeId]:
        """The profiles to read next; empty when all is known. May hold ids that no fact names: there is no profile."""
        return self._wanted

    def give(self, read: GraphSlice) -> None:
        """Take what was read about all of ``wants()``, and find out what else is needed."""
        wanted, self._wanted = self._wanted, frozenset()
        profiles = read.profiles
        self._asked |= wanted
        self._silent |= silent_among({id: profiles[id] for id in profiles.keys() - self._profiles.keys()}, self._rules)
        self._profiles.update(profiles)
        touching: dict[NodeId, list[Edge]] = {id: [] for id in wanted if id in profiles}
        self.nodes.update(touching)
        for edge in read.edges:
            self._edges[edge.a, edge.b] = edge
            if edge.a in touching:
                touching[edge.a].append(edge)
            if edge.b in touching:
                touching[edge.b].append(edge)
        self._shared |= read.previously_shared - self._asked
        reached = self._find_shared(touching, read)
        reached |= self._follow(touching)
        for decision in read.decisions:
            self._decisions[decision.key] = decision
            if decision.kind == "merge" or decision.kind == "apart":
                reached.add(decision.a)
                reached.add(decision.b)
        self._wanted = frozenset(reached - self._asked)

    def graph(self) -> Graph:
        """What to resolve: ``nodes``, and all among them that can have a say."""
        return Graph(
            profiles={id: self._profiles[id] for id in self.nodes},
            edges=[edge for (a, b), edge in self._edges.items() if a in self.nodes and b in self.nodes],
            decisions=list(self._decisions.values()),
            shared=frozenset(self._shared & self.nodes),
        )

    def surroundings(self) -> Graph:
        """As ``graph``, with the edges that lead out and link nobody, and their ends: to show, not to resolve."""
        return Graph(
            profiles=dict(self._profiles),
            edges=list(self._edges.values()),
            decisions=list(self._decisions.values()),
            shared=frozenset(self._shared),
        )

    def _find_shared(self, touching: Mapping[NodeId, list[Edge]], read: GraphSlice) -> set[NodeId]:
        """Settle which of the wanted are shared; return all neighbours of those for which that changed."""
        reached: set[NodeId] = set()
        for id, edges in touching.items():
            if id in read.stays_shared:
                self._shared.add(id)
                continue
            was = id in read.previously_shared
            neighbours = [edge.b if edge.a == id else edge.a for edge in edges]
            now = self._is_shared(id, neighbours)
            if now:
                self._shared.add(id)
            else:
                self._shared.discard(id)
            if now != was:
                reached.update(neighbours)
        return reached

    def _is_shared(self, id: NodeId, neighbours: list[NodeId]) -> bool:
        profiles, silent = self._profiles, self._silent
        kind = profiles[id].kind
        if id in silent or len(neighbours) <= self._rules.shared_after.get(kind, len(neighbours)):
            return False
        linkable = [profiles[other] for other in neighbours if other not in silent]
        return crowd_among(kind, linkable, self._rules) is not None

    def _follow(self, touching: Mapping[NodeId, list[Edge]]) -> set[NodeId]:
        """The other ends of the active edges."""
        shared, silent = self._shared, self._silent
        reached: set[NodeId] = set()
        for id, edges in touching.items():
            if id in silent:
                continue
            for edge in edges:
                other = edge.b if edge.a == id else edge.a
                if other not in silent and (edge.verified is not None or (id not in shared and other not in shared)):
                    reached.add(other)
        return reached

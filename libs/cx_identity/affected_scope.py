"""How far a change can reach: the part of the graph to resolve again, read step by step.

Let H be the graph of the proved and asserted edges that are *active* (an asserted edge of a firmly shared identifier is
not, nor any of an identifier that may not link; refused edges are) and of the pairs that decisions name. Which cores
there are in a component of H depends on that component alone. So after a change those components of the new H need
resolving that hold

- a profile that is new or was first recorded earlier than known, or an end of an edge that is new or changed,
- a profile that a new decision names, or one that a newly withdrawn (or restored) decision names,
- an end of an edge that was active and no longer is, or the reverse: all neighbours of an identifier that turned shared
  or ceased to be, counting either way, and of one that is attested now and was not, or the reverse.

The first two are the *dirty* profiles that the caller names; this room finds the rest. Claims tie cores into customers.
A chain of claims may be as long as a stranger likes, so they are not followed for as long as they lead
(``follow_claims``, which needs nothing but the edges), but as the store has resolved them: the customers of all these
profiles are resolved again whole, together with the customers at their *border*, those that an active claim leads to.
If those come out as they were, so did everything beyond (decision record 24 says why). If one does not, it is taken in.

This room does no I/O::

    scope = Scope(dirty, rules)
    while True:
        while wanted := scope.wants():
            scope.give(read(wanted))
        resolution = scope.resolution()
        if resolution is not None:
            break                            # decides exactly scope.nodes

After a change of rules every profile is dirty, or ``resolve`` is given the whole graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set

from cx_events.ids import NodeId
from cx_identity.candidates import is_withheld
from cx_identity.graph_slice import GraphSlice, ResolvedProfile
from cx_identity.linking import is_active
from cx_identity.model import STRONG_KINDS, Decision, Edge, FixedCore, Graph, Profile, SharedIdentifiers
from cx_identity.outcome import Refusal, Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import SharedReason, never_linking, reason_counting_all, reason_counting_firm

_CrowdAmong = Callable[[str, Sequence[Profile], Rules], SharedReason | None]


class AffectedScope:
    """One recomputation. ``nodes``: the profiles that it decides about, as far as read. ``border``: others that were
    read and stay what they were."""

    def __init__(
        self,
        dirty: Iterable[NodeId],
        rules: Rules,
        *,
        attested: Iterable[NodeId] = (),
        follow_claims: bool = False,
    ) -> None:
        """``dirty``: as the module says; for a withdrawal, the profiles that the withdrawn decision names.
        ``attested``: those of them that are attested now and were not, or the reverse. ``follow_claims``: nothing was
        resolved before, or what was is not known: follow every active edge to its end."""
        self._rules = rules
        self._follow_claims = follow_claims
        self._attested = frozenset(attested)
        self.nodes: set[NodeId] = set()
        self.border: set[NodeId] = set()
        self._inner: set[NodeId] = set(dirty)
        """Asked for or to be asked for as ``nodes``."""
        self._outer: set[NodeId] = set()
        """Asked for or to be asked for as ``border``."""
        self._asked: set[NodeId] = set()
        self._asked_outer: set[NodeId] = set()
        self._profiles: dict[NodeId, Profile] = {}
        self._edges: dict[tuple[NodeId, NodeId], Edge] = {}
        self._decisions: dict[bytes, Decision] = {}
        self._placed: dict[NodeId, ResolvedProfile] = {}
        self._members: dict[NodeId, Collection[NodeId]] = {}
        self._shared: set[NodeId] = set()
        self._firm: set[NodeId] = set()
        self._silent: set[NodeId] = set()

    def wants(self) -> frozenset[NodeId]:
        """Return the profiles to read next; none when all is known. May hold ids that no fact names: there is no
        profile."""
        return frozenset((self._inner - self._asked) | (self._outer - self._asked_outer - self._asked))

    def give(self, read: GraphSlice) -> None:
        """Take what was read about all of ``wants()``, and find out what else is needed."""
        inner = self._inner - self._asked
        outer = self._outer - self._asked_outer - self._asked - inner
        self._asked |= inner
        self._asked_outer |= outer
        self._learn(read)
        self.border |= {id for id in outer if id in read.profiles}
        touching: dict[NodeId, list[Edge]] = {id: [] for id in inner if id in read.profiles}
        self.nodes.update(touching)
        self.border -= self.nodes
        for edge in read.edges:
            self._edges[edge.a, edge.b] = edge
            for end in (edge.a, edge.b):
                if end in touching:
                    touching[end].append(edge)
        self._inner |= self._settle_shared(touching, read.stays_shared)
        self._follow(touching)
        if not self._follow_claims:
            self._inner |= self._companions(touching)
            self._outer |= self._companions(outer)
        for decision in read.decisions:
            self._decisions[decision.key] = decision
            if decision.kind in {"merge", "apart"} and not inner.isdisjoint((decision.a, decision.b)):
                self._inner |= {decision.a, decision.b}

    def resolution(self) -> Resolution | None:
        """Return who is who among ``nodes`` and ``border``, or None where more is wanted: a customer at the border did
        not come out as it was."""
        resolution = resolve(self.graph(), self._rules)
        if self._follow_claims:
            return resolution
        changed = self._changed_border(resolution)
        self._inner |= changed
        self._outer -= changed
        return None if changed else resolution

    def graph(self) -> Graph:
        """Return what to resolve: ``nodes`` and ``border``, and all among them that can have a say."""
        every = self.nodes | self.border
        return Graph(
            profiles={id: self._profiles[id] for id in every},
            edges=[edge for edge in self._edges.values() if self._has_a_say(edge)],
            decisions=list(self._decisions.values()),
            shared=SharedIdentifiers(frozenset(self._shared & every), frozenset(self._firm & every)),
            given={id: FixedCore(self._place(id).core, self._place(id).decided) for id in self.border},
        )

    def surroundings(self) -> Graph:
        """Return what was read, with the edges that lead out and link nobody, and their ends: to show, not to
        resolve."""
        return Graph(
            profiles=dict(self._profiles),
            edges=list(self._edges.values()),
            decisions=list(self._decisions.values()),
            shared=SharedIdentifiers(frozenset(self._shared), frozenset(self._firm)),
        )

    def refused_claims(self, resolution: Resolution) -> list[Refusal]:
        """Return the claims that were refused with an end among ``nodes``, and that a person should be asked about."""
        nodes = self.nodes
        return [one for one in resolution.refused if one.is_question and (one.a in nodes or one.b in nodes)]

    def edges_at_nodes(self) -> list[Edge]:
        """Return the edges that were read with an end among ``nodes``. Claims of an identifier that stayed shared may
        have been spared, but none that is new."""
        return [edge for edge in self._edges.values() if edge.a in self.nodes or edge.b in self.nodes]

    def withheld(self, edges: Iterable[Edge]) -> list[Edge]:
        """Return those of the edges read that are claims which aren't tried, since an end is shared."""
        shared = SharedIdentifiers(frozenset(self._shared), frozenset(self._firm))
        return [
            edge
            for edge in edges
            if edge.a not in self._silent and edge.b not in self._silent and is_withheld(edge, shared)
        ]

    def _learn(self, read: GraphSlice) -> None:
        profiles = read.profiles
        new = {id: profiles[id] for id in profiles.keys() - self._profiles.keys()}
        self._silent |= never_linking(new, self._rules)
        self._profiles.update(profiles)
        self._members.update(read.members)
        for id, placed in read.placed.items():
            self._placed[id] = placed
            if id not in self._asked:
                if placed.shared:
                    self._shared.add(id)
                if placed.firmly_shared:
                    self._firm.add(id)

    def _place(self, id: NodeId) -> ResolvedProfile:
        return self._placed.get(id) or ResolvedProfile(id, id)

    def _has_a_say(self, edge: Edge) -> bool:
        """Return whether an edge is tried: within ``nodes``, across the border, or a claim within one customer at it.

        Of two customers at the border nothing is asked: they are what they were. Their cores are given.
        """
        a_inner, b_inner = edge.a in self.nodes, edge.b in self.nodes
        if a_inner and b_inner:
            return True
        if edge.firm or not (a_inner or edge.a in self.border) or not (b_inner or edge.b in self.border):
            return False
        return a_inner or b_inner or self._place(edge.a).customer == self._place(edge.b).customer

    def _companions(self, ids: Iterable[NodeId]) -> set[NodeId]:
        """Return all members of the customers of these profiles, as the store resolved them last."""
        found: set[NodeId] = set()
        for id in ids:
            found.update(self._members.get(self._place(id).customer, ()))
        return found

    def _settle_shared(self, touching: Mapping[NodeId, list[Edge]], stays: Set[NodeId]) -> set[NodeId]:
        """Settle which of the wanted are shared; return all neighbours of those for which that changed."""
        reached: set[NodeId] = set()
        for id, edges in touching.items():
            placed = self._place(id)
            stayed = id in stays and placed.shared
            now = stayed or self._is_crowded(id, edges, reason_counting_all)
            firm = (stayed and placed.firmly_shared) or self._is_crowded(
                id, [edge for edge in edges if edge.firm], reason_counting_firm
            )
            for flag, shared in ((now, self._shared), (firm, self._firm)):
                (shared.add if flag else shared.discard)(id)
            if self._follow_claims:
                continue
            if (now, firm) != (placed.shared, placed.firmly_shared) or (id in self._attested and self._is_strong(id)):
                reached.update(edge.other(id) for edge in edges)
        return reached

    def _is_strong(self, id: NodeId) -> bool:
        """Whether being attested tells for what it is tied to, too."""
        return self._profiles[id].kind in STRONG_KINDS

    def _is_crowded(self, id: NodeId, edges: Collection[Edge], crowd: _CrowdAmong) -> bool:
        if id in self._silent:
            return False
        others = [other for edge in edges if (other := edge.other(id)) not in self._silent]
        return crowd(self._profiles[id].kind, [self._profiles[other] for other in others], self._rules) is not None

    def _follow(self, touching: Mapping[NodeId, list[Edge]]) -> None:
        """Take in the other ends of the active edges: those of claims at the border."""
        shared = SharedIdentifiers(frozenset(self._shared), frozenset(self._firm))
        for id, edges in touching.items():
            if id in self._silent:
                continue
            for edge in edges:
                other = edge.other(id)
                if other not in self._silent and is_active(edge, shared):
                    is_claim = not edge.firm and not self._follow_claims
                    (self._outer if is_claim else self._inner).add(other)

    def _changed_border(self, resolution: Resolution) -> set[NodeId]:
        """Return the profiles of the customers at the border that did not come out as they were."""
        now: dict[NodeId, list[NodeId]] = {}
        for id, customer in resolution.customer_of.items():
            now.setdefault(customer, []).append(id)
        was: dict[NodeId, list[NodeId]] = {}
        for id in self.border:
            was.setdefault(self._place(id).customer, []).append(id)
        return {
            id
            for members in was.values()
            if len({resolution.customer_of[id] for id in members}) > 1
            or len(now[resolution.customer_of[members[0]]]) != len(members)
            for id in members
        }

"""Find the part of the graph that a change can reach, so that only this part is resolved again.

Let H be the graph of the *active* proved and asserted edges and of the pairs that decisions name. (Active edges include
refused ones. Not active are edges of an identifier that may not link, and asserted edges of one that is shared counting
proved and asserted pairs.) The cores in a component of H depend on that component alone. So after a change the
components of the new H must be resolved that hold

- a profile that is new or was first recorded earlier than known, or an end of an edge that is new or changed,
- a profile that a new decision names, or one that a newly withdrawn (or restored) decision names,
- an end of an edge that became active or ceased to be: all neighbours of an identifier that turned shared or ceased to
  be, counting either way, or whose being attested changed.

The caller names the profiles of the first two as *dirty*; ``AffectedScope`` finds the rest. Claims join cores into
customers. A stranger can make a chain of claims as long as he likes, so claims are followed to their end only with
``follow_claims``, which needs nothing but the edges. Otherwise the stored resolution is used: the customers of all
these profiles are resolved again whole, together with the customers at their *border*, which an active claim leads to.
If those come out as they were, so does everything beyond (see docs/decisions/0024); if one does not, it is taken in.

The caller does the I/O::

    scope = AffectedScope(dirty, rules)
    while True:
        while wanted := scope.profiles_to_read():
            scope.add(read(wanted))
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

_SharedReasonOf = Callable[[str, Sequence[Profile], Rules], SharedReason | None]


class AffectedScope:
    """One recomputation, which grows as slices of the graph are added.

    ``nodes`` are the profiles that it decides about, as far as read. ``border`` are others that were read and stay what
    they were.
    """

    def __init__(
        self,
        dirty: Iterable[NodeId],
        rules: Rules,
        *,
        attested: Iterable[NodeId] = (),
        follow_claims: bool = False,
    ) -> None:
        """Begin at the ``dirty`` profiles (see the module; for a withdrawal, those that the withdrawn decision names).

        ``attested`` are those of them whose being attested changed. With ``follow_claims`` every active edge is
        followed to its end, for when nothing was resolved before or the last resolution is not known.
        """
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
        self._resolved: dict[NodeId, ResolvedProfile] = {}
        self._members: dict[NodeId, Collection[NodeId]] = {}
        self._shared: set[NodeId] = set()
        self._shared_firm: set[NodeId] = set()
        self._unlinked: set[NodeId] = set()

    def profiles_to_read(self) -> frozenset[NodeId]:
        """Return the profiles to read next; empty once everything needed is known.

        May hold ids that no fact names, for which there is no profile.
        """
        return frozenset((self._inner - self._asked) | (self._outer - self._asked_outer - self._asked))

    def add(self, read: GraphSlice) -> None:
        """Add what was read about all of ``profiles_to_read()``, and find out what else is needed."""
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
        self._inner |= self._decide_shared(touching, read.stays_shared)
        self._follow(touching)
        if not self._follow_claims:
            self._inner |= self._companions(touching)
            self._outer |= self._companions(outer)
        for decision in read.decisions:
            self._decisions[decision.key] = decision
            if decision.kind in {"merge", "apart"} and not inner.isdisjoint((decision.a, decision.b)):
                self._inner |= {decision.a, decision.b}

    def resolution(self) -> Resolution | None:
        """Return who is who among ``nodes`` and ``border``.

        Return None where more must be read: a customer at the border did not come out as it was.
        """
        resolution = resolve(self.graph(), self._rules)
        if self._follow_claims:
            return resolution
        changed = self._changed_border(resolution)
        self._inner |= changed
        self._outer -= changed
        return None if changed else resolution

    def graph(self) -> Graph:
        """Return what to resolve: ``nodes`` and ``border``, and every edge among them that can matter."""
        every = self.nodes | self.border
        return Graph(
            profiles={id: self._profiles[id] for id in every},
            edges=[edge for edge in self._edges.values() if self._is_tried(edge)],
            decisions=list(self._decisions.values()),
            shared=SharedIdentifiers(frozenset(self._shared & every), frozenset(self._shared_firm & every)),
            unlinked=frozenset(self._unlinked & every),
            fixed_cores={
                id: FixedCore(self._resolved_before(id).core, self._resolved_before(id).decided) for id in self.border
            },
        )

    def surroundings(self) -> Graph:
        """Return all that was read, also edges that lead out and link nobody: to show, not to resolve."""
        return Graph(
            profiles=dict(self._profiles),
            edges=list(self._edges.values()),
            decisions=list(self._decisions.values()),
            shared=SharedIdentifiers(frozenset(self._shared), frozenset(self._shared_firm)),
        )

    def refused_claims(self, resolution: Resolution) -> list[Refusal]:
        """Return the refused claims with an end among ``nodes`` that a person should be asked about."""
        nodes = self.nodes
        return [one for one in resolution.refusals if one.is_question and (one.a in nodes or one.b in nodes)]

    def edges_at_nodes(self) -> list[Edge]:
        """Return the edges that were read with an end among ``nodes``.

        Claims of an identifier that stayed shared may have been spared, but none that is new.
        """
        return [edge for edge in self._edges.values() if edge.a in self.nodes or edge.b in self.nodes]

    def withheld(self, edges: Iterable[Edge]) -> list[Edge]:
        """Return those of the edges that are claims which are not tried because an end is shared."""
        shared = SharedIdentifiers(frozenset(self._shared), frozenset(self._shared_firm))
        return [
            edge
            for edge in edges
            if edge.a not in self._unlinked and edge.b not in self._unlinked and is_withheld(edge, shared)
        ]

    def _learn(self, read: GraphSlice) -> None:
        profiles = read.profiles
        new = {id: profiles[id] for id in profiles.keys() - self._profiles.keys()}
        self._unlinked |= never_linking(new, self._rules)
        self._profiles.update(profiles)
        self._members.update(read.members)
        for id, before in read.resolved.items():
            self._resolved[id] = before
            if id not in self._asked:
                if before.shared:
                    self._shared.add(id)
                if before.firmly_shared:
                    self._shared_firm.add(id)

    def _resolved_before(self, id: NodeId) -> ResolvedProfile:
        return self._resolved.get(id) or ResolvedProfile(id, id)

    def _is_tried(self, edge: Edge) -> bool:
        """Return whether an edge is tried: within ``nodes``, across the border, or a claim within a customer at the
        border.

        Edges between two customers at the border are left out: both stay what they were, and their cores are fixed.
        """
        a_inner, b_inner = edge.a in self.nodes, edge.b in self.nodes
        if a_inner and b_inner:
            return True
        if edge.firm or not (a_inner or edge.a in self.border) or not (b_inner or edge.b in self.border):
            return False
        return a_inner or b_inner or self._resolved_before(edge.a).customer == self._resolved_before(edge.b).customer

    def _companions(self, ids: Iterable[NodeId]) -> set[NodeId]:
        """Return all members of the customers of these profiles, by the last resolution."""
        found: set[NodeId] = set()
        for id in ids:
            found.update(self._members.get(self._resolved_before(id).customer, ()))
        return found

    def _decide_shared(self, touching: Mapping[NodeId, list[Edge]], stays: Set[NodeId]) -> set[NodeId]:
        """Decide which wanted profiles are shared; return all neighbours of those for which that changed."""
        reached: set[NodeId] = set()
        for id, edges in touching.items():
            before = self._resolved_before(id)
            stayed = id in stays and before.shared
            now = stayed or self._is_shared(id, edges, reason_counting_all)
            firm_edges = [edge for edge in edges if edge.proved is not None or edge.asserted is not None]
            firm = (stayed and before.firmly_shared) or self._is_shared(id, firm_edges, reason_counting_firm)
            for flag, shared in ((now, self._shared), (firm, self._shared_firm)):
                (shared.add if flag else shared.discard)(id)
            if self._follow_claims:
                continue
            if (now, firm) != (before.shared, before.firmly_shared) or (
                id in self._attested and self._matters_if_attested(id)
            ):
                reached.update(edge.other(id) for edge in edges)
        return reached

    def _matters_if_attested(self, id: NodeId) -> bool:
        """Return whether being attested matters for the neighbours, too."""
        return self._profiles[id].kind in STRONG_KINDS

    def _is_shared(self, id: NodeId, edges: Collection[Edge], reason: _SharedReasonOf) -> bool:
        if not edges or id in self._unlinked:
            return False
        profiles, unlinked = self._profiles, self._unlinked
        others = [profiles[other] for edge in edges if (other := edge.other(id)) not in unlinked]
        return reason(profiles[id].kind, others, self._rules) is not None

    def _follow(self, touching: Mapping[NodeId, list[Edge]]) -> None:
        """Take in the other ends of the active edges: as nodes, or of claims as border."""
        shared = SharedIdentifiers(frozenset(self._shared), frozenset(self._shared_firm))
        for id, edges in touching.items():
            if id in self._unlinked:
                continue
            for edge in edges:
                other = edge.other(id)
                if other not in self._unlinked and is_active(edge, shared):
                    is_claim = not edge.firm and not self._follow_claims
                    (self._outer if is_claim else self._inner).add(other)

    def _changed_border(self, resolution: Resolution) -> set[NodeId]:
        """Return the profiles of customers at the border that did not come out as they were."""
        now: dict[NodeId, list[NodeId]] = {}
        for id, customer in resolution.customer_of.items():
            now.setdefault(customer, []).append(id)
        was: dict[NodeId, list[NodeId]] = {}
        for id in self.border:
            was.setdefault(self._resolved_before(id).customer, []).append(id)
        return {
            id
            for members in was.values()
            if len({resolution.customer_of[id] for id in members}) > 1
            or len(now[resolution.customer_of[members[0]]]) != len(members)
            for id in members
        }

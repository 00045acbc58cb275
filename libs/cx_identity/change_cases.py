"""Sort what a change touches by what must be read before it can be resolved.

Most new identifiers come with others that are new, too: a first contact, a backfill. Two cases:

- *New*: a component of the changed edges of which every profile is new, and no decision names any. It has all its edges
  from this change alone, so ``resolve`` decides it without reading anything, and nothing else can have a say in it:
  shared identifiers are found from their edges, cores and claims go along edges, and decisions name none of it.
- *Reaching*: all else that is affected. ``affected_scope`` finds what that can reach.

A new component and the rest of the graph have no edge and no decision in common, so resolving them apart gives what
resolving them together does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from cx_events.ids import NodeId
from cx_identity.model import Edge, Graph, Profile


class ChangeCases(NamedTuple):
    """``new``: the components that are new as a whole, as one graph. ``reaching``: the other affected profiles.

    ``edges_of_new``: by profile, the edges of the new profiles that are among ``reaching``, all that they have.
    """

    new: Graph
    reaching: frozenset[NodeId]
    edges_of_new: Mapping[NodeId, Collection[Edge]]


def change_cases(
    affected: Iterable[NodeId], edges: Collection[Edge], new_profiles: Mapping[NodeId, Profile]
) -> ChangeCases:
    """Return the cases of a change.

    ``affected``: the profiles whose customer may change, the ends of the edges among them. ``edges``: those that are
    new or changed. ``new_profiles``: profiles that had no edge before and that no decision names; all their edges are
    among these.
    """
    neighbours: dict[NodeId, list[Edge]] = {}
    for edge in edges:
        neighbours.setdefault(edge.a, []).append(edge)
        neighbours.setdefault(edge.b, []).append(edge)
    known = {id for id in (*affected, *neighbours) if id not in new_profiles}
    reached = list(known)
    for id in reached:
        for edge in neighbours.get(id, ()):
            other = edge.other(id)
            if other not in known:
                known.add(other)
                reached.append(other)
    of_new = {id: new_profiles[id] for id in (*affected, *neighbours) if id not in known}
    return ChangeCases(
        Graph(of_new, [edge for edge in edges if edge.a in of_new]),
        frozenset(known),
        {id: neighbours.get(id, ()) for id in known if id in new_profiles},
    )

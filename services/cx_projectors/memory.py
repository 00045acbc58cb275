"""What a worker keeps between batches, so that a known thing costs no look-up.

Safe because what is kept either has one writer (a part's home lives in one partition, whose owner we are) or only grows
(profiles, edges, announced interactions). Everything is dropped when a transaction fails, when the set of owned
partitions changes, and when an epoch moves: a copy that replaces another moves all epochs.
"""

from __future__ import annotations

from cx_context.model import Part
from cx_events.ids import NodeId
from cx_identity.model import Edge, Profile

Pair = tuple[NodeId, NodeId]


class Memory:
    """Bounded by count: a table that is full is dropped whole, which costs some look-ups and no thought."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self.parts: dict[bytes, Part] = {}
        self.profiles: dict[NodeId, int] = {}
        self.edges: dict[Pair, Edge] = {}
        self.nodes: set[NodeId] = set()

    def clear(self) -> None:
        self.parts.clear()
        self.profiles.clear()
        self.edges.clear()
        self.nodes.clear()

    def trim(self) -> None:
        """Called between batches."""
        for table in (self.parts, self.profiles, self.edges, self.nodes):
            if len(table) > self._most:
                table.clear()

    def knows_profile(self, profile: Profile) -> bool:
        """Whether the store has it, first recorded no later."""
        known = self.profiles.get(profile.id)
        return known is not None and known <= profile.first_recorded

    def knows_edge(self, edge: Edge) -> bool:
        """Whether the store has it with evidence that is no later, of each class."""
        known = self.edges.get((edge.a, edge.b))
        if known is None:
            return False
        if edge.asserted is not None and (known.asserted is None or edge.asserted < known.asserted):
            return False
        return edge.verified is None or (known.verified is not None and known.verified <= edge.verified)

"""What a worker keeps between batches, so that a known thing costs no look-up.

Safe because what is kept either has one writer (a part's stream lives in one partition, whose owner we are) or only
grows (profiles, edges, announced interactions). Everything is dropped when a transaction fails, when the set of owned
partitions changes, and when an epoch moves: a copy that replaces another moves all epochs.
"""

from __future__ import annotations

from cx_context.parts.model import Part
from cx_context.routing_targets import SideState
from cx_context.store.segments import Segment
from cx_events.ids import NodeId
from cx_identity.first_mentions import ATTESTED, NAMED, Mention, MentionKey, is_preceded

Pair = tuple[NodeId, NodeId]


class ProjectionCache:
    """Bounded by count: a table that is full is dropped whole, which costs some look-ups and no thought. ``sides``: by
    stream and interaction node, of interactions of which the stream has parts. ``profiles``, ``attested``: the first
    sighting."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self.parts: dict[bytes, Part] = {}
        self.sides: dict[tuple[NodeId, NodeId], SideState] = {}
        self.profiles: dict[NodeId, Mention] = {}
        self.attested: dict[NodeId, Mention] = {}
        self.seen: dict[MentionKey, list[Mention]] = {}
        self.nodes: set[NodeId] = set()
        self.tails: dict[bytes, Segment] = {}

    def clear(self) -> None:
        self.parts.clear()
        self.sides.clear()
        self.profiles.clear()
        self.attested.clear()
        self.seen.clear()
        self.nodes.clear()
        self.tails.clear()

    def trim(self) -> None:
        """Called between batches."""
        for table in (self.parts, self.sides, self.profiles, self.attested, self.seen, self.nodes, self.tails):
            if len(table) > self._most:
                table.clear()

    def learn(self, seen: MentionKey, steps: list[Mention]) -> None:
        """What the store has. Of a profile the first step is kept at hand, and mostly there is no other."""
        kind = seen[0]
        if kind in (NAMED, ATTESTED):
            (self.profiles if kind == NAMED else self.attested)[seen[1]] = steps[0]
            if len(steps) == 1:
                return
        self.seen[seen] = steps

    def knows(self, seen: MentionKey, one: Mention) -> bool:
        """Whether the store has a sighting that precedes this one in both times."""
        kind = seen[0]
        if kind in (NAMED, ATTESTED):
            known = (self.profiles if kind == NAMED else self.attested).get(seen[1])
            if known is None or is_preceded(one, (known,)):
                return known is not None
        return is_preceded(one, self.seen.get(seen, ()))

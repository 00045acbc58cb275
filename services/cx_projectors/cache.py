"""Keep what a consumer knows between batches, so that a known thing costs no look-up.

Safe because what is kept either has one writer (a part's stream lies in one partition, whose owner we are) or only
grows (profiles, edges, announced interactions). Everything is dropped when a transaction fails, when the set of owned
partitions changes, and when an epoch moves: a copy that replaces another moves all epochs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cx_context.parts.model import Part
from cx_context.routing_targets import SideState
from cx_context.store.part_codec import lengths_of
from cx_context.store.segments import Segment
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_identity.first_mentions import (
    ASSERTED,
    ATTESTED,
    CLAIMED,
    NAMED,
    PROVED,
    Mention,
    MentionKey,
    is_preceded,
    surely_precedes,
)
from cx_identity.model import Edge

SideKey = tuple[NodeId, NodeId]
"""(stream, interaction node): one stream's side of one interaction."""

Side = SideState | NodeId
"""What desks need to know of a side: of one whose only part concerns none that part's id, of any other the sum of its
parts. Most sides concern none, so that nothing is summed up."""


PARTS_BYTES = 512 << 20
"""Memory that the parts of one worker may take at most: some 50,000 of a dozen messages each, 100,000 of one. With all
else that it remembers, a projector stays well within the 1 GB that its container is given; 100,000 parts of a dozen
messages would fill that alone."""

_MOST_TAILS = 2_000
"""Last segments are parts of up to 512 facts, of long parts alone."""

# Measured: what a decoded part takes in memory, and what a byte of its MessagePack adds. One that grew here, from fact
# to fact, takes as much or down to half of that, since its values share what they repeat.
_PART_TAKES, _PART_GROWS = 2_600, 4.5


class ProjectionCache:
    """The rows that the store is known to have; each table is bounded, and dropped whole when it is full.

    ``parts``: by part id, each told to ``measure``. ``sides``: of interactions of which the stream has parts.
    ``profiles``, ``attested``: the first mention of a profile, and the first that attests it. ``mentions``: the first
    mentions where there are several, and those of pairs. ``interactions``: announced ones. ``last_segments``: by part
    id.
    """

    def __init__(self, most: int = 100_000, most_bytes: int = PARTS_BYTES) -> None:
        """``most``: rows of a table; ``most_bytes``: of parts."""
        self._most = most
        self._most_bytes = most_bytes
        self.parts: dict[bytes, Part] = {}
        self._lengths: dict[bytes, int] = {}
        self._length = 0
        self.sides: dict[SideKey, Side] = {}
        self.profiles: dict[NodeId, Mention] = {}
        self.attested: dict[NodeId, Mention] = {}
        self.mentions: dict[MentionKey, list[Mention]] = {}
        self.interactions: set[NodeId] = set()
        self.last_segments: dict[bytes, Segment] = {}
        self._tables: tuple[dict[Any, Any] | set[Any], ...] = (
            self.sides, self.profiles, self.attested, self.mentions, self.interactions,
        )  # fmt: skip

    def clear(self) -> None:
        """Forget everything."""
        self._clear_parts()
        self.last_segments.clear()
        for table in self._tables:
            table.clear()

    def _clear_parts(self) -> None:
        self.parts.clear()
        self._lengths.clear()
        self._length = 0

    @property
    def parts_bytes(self) -> float:
        """Return how much memory the parts take at most."""
        return _PART_TAKES * len(self._lengths) + _PART_GROWS * self._length

    def measure(self, bodies: Iterable[tuple[bytes, bytes]]) -> None:
        """Note how much memory parts take, by what ``encode_part`` made of them: (part id, body)."""
        lengths, grown = self._lengths, 0
        for part_id, body in bodies:
            (length,) = lengths_of(body)
            grown += length - lengths.get(part_id, 0)
            lengths[part_id] = length
        self._length += grown

    def add(self, mentions: Mapping[MentionKey, list[Mention]], interactions: Iterable[NodeId]) -> None:
        """Add what a durable transaction left in the store; what is full then is dropped. A profile's first mention is
        kept at hand, and mostly there is no other."""
        for key, steps in mentions.items():
            kind = key[0]
            if kind in (NAMED, ATTESTED):
                (self.profiles if kind == NAMED else self.attested)[key[1]] = steps[0]
                if len(steps) == 1:
                    continue
            self.mentions[key] = steps
        self.interactions.update(interactions)
        if self.parts_bytes > self._most_bytes or len(self.parts) > self._most:
            self._clear_parts()
        if len(self.last_segments) > _MOST_TAILS:
            self.last_segments.clear()
        for table in self._tables:
            if len(table) > self._most:
                table.clear()

    def knows_side(self, key: SideKey) -> bool:
        """Return whether all that desks need of a side is at hand."""
        side = self.sides.get(key)
        return isinstance(side, SideState) or (side is not None and side in self.parts)

    def knows_profile(self, id: NodeId, attested: bool, recorded: Micros, effective: Micros) -> bool:
        """Return True only where the store has mentions of a profile that precede all that an event of these times
        makes of it; False where ``knows`` must tell."""
        known = (self.attested if attested else self.profiles).get(id)
        return known is not None and surely_precedes(known, recorded, effective)

    def knows_edge(self, edge: Edge, recorded: Micros, effective: Micros) -> bool:
        """As ``knows_profile``, of one event's edge."""
        for kind, evidence in ((PROVED, edge.proved), (ASSERTED, edge.asserted), (CLAIMED, edge.claimed)):
            if evidence is not None:
                known = self.mentions.get((kind, edge.a, edge.b))
                if known is None or not surely_precedes(known[0], recorded, effective):
                    return False
        return True

    def knows(self, key: MentionKey, mention: Mention) -> bool:
        """Return whether the store has a mention that precedes this one both in effective and in recorded time."""
        kind = key[0]
        if kind in (NAMED, ATTESTED):
            known = (self.profiles if kind == NAMED else self.attested).get(key[1])
            if known is None or is_preceded(mention, (known,)):
                return known is not None
        return is_preceded(mention, self.mentions.get(key, ()))

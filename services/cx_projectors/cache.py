"""What a consumer keeps between batches, so that a known thing costs no look-up.

Safe because what is kept either has one writer (a part's stream lies in one partition, whose owner we are) or only
grows (profiles, edges, announced interactions). Everything is dropped when a transaction fails, when the set of owned
partitions changes, and when an epoch moves: a copy that replaces another moves all epochs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cx_context.parts.model import Part
from cx_context.routing_targets import SideState
from cx_context.store.segments import Segment
from cx_events.ids import NodeId
from cx_identity.first_mentions import ATTESTED, NAMED, Mention, MentionKey, is_preceded

SideKey = tuple[NodeId, NodeId]
"""(stream, interaction node): one stream's side of one interaction."""


class ProjectionCache:
    """The rows that the store is known to have; each table is bounded, and dropped whole when it is full.

    ``parts``: by part id. ``sides``: of interactions of which the stream has parts. ``profiles``, ``attested``: the
    first mention of a profile, and the first that attests it. ``mentions``: the first mentions where there are several,
    and those of pairs. ``interactions``: announced ones. ``last_segments``: by part id.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self.parts: dict[bytes, Part] = {}
        self.sides: dict[SideKey, SideState] = {}
        self.profiles: dict[NodeId, Mention] = {}
        self.attested: dict[NodeId, Mention] = {}
        self.mentions: dict[MentionKey, list[Mention]] = {}
        self.interactions: set[NodeId] = set()
        self.last_segments: dict[bytes, Segment] = {}
        self._tables: tuple[dict[Any, Any] | set[Any], ...] = (
            self.parts, self.sides, self.profiles, self.attested, self.mentions, self.interactions, self.last_segments,
        )  # fmt: skip

    def clear(self) -> None:
        """Forget everything."""
        for table in self._tables:
            table.clear()

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
        for table in self._tables:
            if len(table) > self._most:
                table.clear()

    def knows(self, key: MentionKey, mention: Mention) -> bool:
        """Return whether the store has a mention that precedes this one both in effective and in recorded time."""
        kind = key[0]
        if kind in (NAMED, ATTESTED):
            known = (self.profiles if kind == NAMED else self.attested).get(key[1])
            if known is None or is_preceded(mention, (known,)):
                return known is not None
        return is_preceded(mention, self.mentions.get(key, ()))

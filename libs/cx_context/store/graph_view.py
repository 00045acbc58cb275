"""Define what ownership, attribution and finding ask of the identity graph: ``GraphView``.

``CurrentGraph`` answers from the tables as they are, ``PreviewGraph`` as they would be after decisions that are not
taken yet, ``AsOfGraph`` as they were within time bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cx_context.sections.members import Member
from cx_context.sections.vouching_facts import LastActivity
from cx_events.ids import NodeId
from cx_identity.attribution import Attribution
from cx_identity.candidate_ranking import IdentifierActivity
from cx_identity.model import Decision, Edge, Profile

SideKey = tuple[NodeId, NodeId]
"""(stream, interaction node): the part of an interaction that lies at one stream."""


@dataclass(frozen=True, slots=True)
class CustomerMatch:
    """A customer that an id or an identifier was resolved to.

    ``version``: of the customer's context, 0 in the past. ``ambiguous``: several people may have the identifier, and
    nothing proves or asserts whose it is; ``candidates`` are those people; ``identifier`` is the ambiguous one, where
    an interaction names nothing else. ``others``: who takes part in the interaction besides.
    """

    customer: NodeId
    version: int
    ambiguous: bool = False
    candidates: tuple[NodeId, ...] = ()
    identifier: NodeId | None = None
    others: tuple[NodeId, ...] = ()


class GraphView(Protocol):
    """One tenant's identity graph, read in one transaction."""

    async def match_profile(self, profile: NodeId) -> CustomerMatch | None:
        """Return the customer of a profile, without candidates; None where no fact names the profile."""

    async def match_customer(self, customer: NodeId) -> CustomerMatch:
        """Return a customer with the version of its context."""

    async def members_of(self, customer: NodeId) -> list[Member]:
        """Return the profiles of a customer; none where it is an interaction that stands alone."""

    async def customers_of(self, nodes: Collection[NodeId]) -> Mapping[NodeId, NodeId]:
        """Return the customer of each profile."""

    async def customers_and_ambiguous(
        self, stream_ids: Collection[NodeId], attributed: Collection[NodeId]
    ) -> tuple[Mapping[NodeId, NodeId], Collection[NodeId]]:
        """Return the customer of each of these streams, of each ``attributed`` id that is a profile, and which ids are
        ambiguous identifiers. A stream that is left out stands for itself."""

    async def ambiguous_among(self, profiles: Collection[NodeId]) -> set[NodeId]:
        """Return those of the profiles that are ambiguous identifiers."""

    async def edges_at(self, nodes: Collection[NodeId]) -> list[Edge]:
        """Return all edges that touch these profiles."""

    async def profiles(self, ids: Collection[NodeId]) -> dict[NodeId, Profile]:
        """Return those of the profiles that a fact names."""

    async def contacts_at(
        self, identifier: Profile, stream_ids: Sequence[NodeId]
    ) -> Mapping[NodeId, list[IdentifierActivity]]:
        """Return the contacts in which an identifier was used, by stream (``identifier_activity.contacts_at``)."""

    async def decisions_naming(self, nodes: Collection[NodeId]) -> list[Decision]:
        """Return the decisions about these profiles, withdrawn ones too."""

    async def withdrawals(self) -> list[Decision]:
        """Return every withdrawal of the tenant."""

    async def standing_attributions(self, nodes: Collection[NodeId]) -> dict[NodeId, Attribution | None]:
        """Return the attribution that counts, by interaction node."""

    async def attributed_nodes(self, profiles: Collection[NodeId], nodes: Collection[NodeId]) -> set[NodeId]:
        """Return the interactions ever attributed to one of the profiles, and those of ``nodes`` ever attributed."""

    async def attributions_of(self, nodes: Collection[NodeId]) -> list[Attribution]:
        """Return every attribution of these interactions, withdrawn ones too."""

    async def has_facts(self, stream_id: NodeId) -> bool:
        """Return whether any fact lies at a stream."""

    async def streams_of(self, nodes: Collection[NodeId]) -> dict[NodeId, set[NodeId]]:
        """Return the streams of all parts of some interactions, by interaction node."""

    async def nodes_around(self, members: Collection[NodeId]) -> set[NodeId]:
        """Return the interactions that may follow one of these profiles, or take parts from its stream."""

    async def parts_of_sides(self, sides: Collection[SideKey]) -> dict[SideKey, list[tuple[bytes, bytes]]]:
        """Return the stored parts, (part id, body), of some sides of interactions."""

    async def last_activities(self, node: NodeId, by_stream: Mapping[NodeId, NodeId]) -> Iterable[LastActivity]:
        """Return when each customer was last active in an interaction. ``by_stream``: the customer of each stream."""

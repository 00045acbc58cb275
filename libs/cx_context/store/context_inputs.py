"""Read what a context is made of, table by table."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.sections.assured_read import assured_part_ids, isolate_profile, keep_parts
from cx_context.sections.candidates import NO_REFUSED_CLAIMS, RefusedClaims
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_context.sections.proofs import Lifetimes
from cx_context.sections.timeline import TIMELINE_SHOWN
from cx_context.store import refused_claims
from cx_context.store.changed_parts import PartsReading, read_changed_bodies, read_reading
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.graph_view import CustomerMatch
from cx_context.store.latest_events import read_latest_facts, read_latest_raws
from cx_context.store.owned_parts import read_owned_bodies
from cx_context.store.ownership import ownership_of
from cx_context.store.part_codec import decode_part
from cx_context.store.rule_changes import read_proof_lifetimes
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros


@dataclass(frozen=True, slots=True)
class ContextInputs:
    """The customer whom an id stands for, and everything that the body is made of, as stored. ``parts``: by part id.
    ``raws``: the latest events for the timeline, in any order. ``claims``: as in ``Known``. ``lifetimes``: of proofs,
    by the rules in force.

    ``reading``: what the parts were read by, if those that change later can be read alone. ``since``: an earlier
    reading; ``parts`` has at least those that are new or have changed since then,
    ``counted`` says how many there are in all (``store.changed_parts``). ``directory``: the tenant's, as it was when
    this was read."""

    ids: IdSpace
    found: CustomerMatch
    members: list[Member]
    parts: list[tuple[NodeId, bytes]]
    raws: list[bytes]
    claims: RefusedClaims = NO_REFUSED_CLAIMS
    lifetimes: Lifetimes = field(default_factory=dict)
    reading: PartsReading | None = None
    since: PartsReading | None = None
    counted: int = 0
    directory: Directory = NO_DIRECTORY

    @property
    def parts_total(self) -> int:
        """Return how many parts the customer has."""
        return len(self.parts) if self.since is None else self.counted

    @property
    def known(self) -> CustomerFacts:
        return replace(self.known_parts, latest=[Fact(decode_leniently(raw)[0], raw, self.ids) for raw in self.raws])

    @property
    def known_parts(self) -> CustomerFacts:
        """Return all but the events for the timeline, of which nothing else is made."""
        return CustomerFacts(
            customer=self.found.customer,
            members=self.members,
            parts=[KeyedPart(part_id, decode_part(body)) for part_id, body in self.parts],
            latest=(),
            claims=self.claims,
            lifetimes=self.lifetimes,
            directory=self.directory,
        )


async def read_inputs(tx: Tx, ids: IdSpace, node: NodeId, since: PartsReading | None = None) -> ContextInputs | None:
    """Read what an id's context is made of; None for an id that nobody ever had. ``inputs_postgres`` is cheaper where
    it answers. ``since``: an earlier reading of that customer's parts, where only those that changed are asked for."""
    found = await find_node(CurrentGraph(tx, ids.tenant), node)
    return await _by_steps(tx, ids, found, TIMELINE_SHOWN, since) if found is not None else None


async def _by_steps(
    tx: Tx, ids: IdSpace, found: CustomerMatch, timeline: int, since: PartsReading | None = None
) -> ContextInputs:
    graph = CurrentGraph(tx, ids.tenant)
    members = await graph.members_of(found.customer)
    own = await ownership_of(graph, found.customer, [m.id for m in members])
    reading = await read_reading(tx, own)
    if reading is not None and since is not None and since.reaches(reading):
        parts, counted = await read_changed_bodies(tx, ids.tenant, own, since)
    else:
        parts, counted, since = await read_owned_bodies(tx, ids.tenant, own), 0, None
    return ContextInputs(
        ids=ids,
        found=found,
        members=members,
        parts=parts,
        reading=reading,
        since=since,
        counted=counted,
        raws=await read_latest_raws(tx, ids.tenant, own, timeline) if timeline else [],
        claims=await refused_claims.asked_about(tx, ids.tenant, [member.id for member in members]),
        lifetimes=await read_proof_lifetimes(tx, ids.tenant),
    )


async def read_inputs_and_assured(
    tx: Tx, ids: IdSpace, node: NodeId, window: Micros, alone: NodeId | None = None
) -> tuple[ContextInputs, CustomerFacts] | None:
    """As ``whole``, and beside it what is left where claims are left out (``cx_context.sections.assured_read``).
    ``alone``: of the customer's profiles the one that is taken by itself."""
    found = await find_node(CurrentGraph(tx, ids.tenant), node)
    if found is None:
        return None
    everything = await _by_steps(tx, ids, found, 0)
    known = everything.known_parts
    if alone is not None:
        known = replace(known, members=isolate_profile(known.members, alone))
    kept = await asyncio.to_thread(assured_part_ids, known.parts, known.members, window)
    own = await ownership_of(CurrentGraph(tx, ids.tenant), found.customer, [m.id for m in everything.members])
    latest = await read_latest_facts(tx, ids, own, TIMELINE_SHOWN, part_ids=kept) if kept else []
    return everything, keep_parts(known, kept, latest)

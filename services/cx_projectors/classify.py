"""Classify an event of the log: work out once what it says, from the event alone. Pure.

The batch carries the result; nothing later asks what an event is, whom it names or what it decides.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from cx_context.fold_faults import NOT_FOLDED, fault_of, told
from cx_context.listing.said import holds_words
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.usable_numbers import unusable
from cx_events.codec import decode_leniently, decode_read_only
from cx_events.dead_letters import NOT_APPLIED, UNFOLDABLE
from cx_events.envelope import Event, Identifier
from cx_events.errors import Refused
from cx_events.facts import DIRECTORY_FAMILY, Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.log import LogRecord
from cx_events.weights import weight_of
from cx_identity.attribution import Attribution
from cx_identity.decisions import decision_of
from cx_identity.evidence import NO_LINKS, EventLinks, links_of, only_identifier
from cx_identity.model import Decision, Profile, attests
from cx_identity.rules import RulesChange
from cx_projectors.dead_letters import MOST_DETAIL, plain_text

IdsOf = Callable[[str], IdSpace | None]
"""Return a tenant's ids, or None for a tenant that is not configured."""

IdentityDecision = Decision | Attribution | RulesChange


class ClassifiedEvent(Struct, frozen=True, gc=False):
    """An event and what it says.

    ``stream_id``: the stream that it is stored in.
    ``makes_part``: it is folded into the part ``fact.part_id``; an identity decision is not.
    ``decision``: what an identity decision decides; None for other events, and for a decision that can't be read.
    ``identifier``, ``profile_id``, ``attested``: the one identifier of an event that names one and ties nothing, its
    profile, and whether this event attests it. Nearly every event is such, so ``links`` is not made of it.
    ``links``: the profiles and edges that any other event mentions; see ``mentions``.
    ``holds_words``: its words are searched, or change what is (``cx_context.listing.said``).
    ``problem``: why the event, or some of its data, can't be used. ``left_out``: the event is stored and nothing is
    made of it, for this reason (one of ``dead_letters.LEFT_OUT``).
    ``record``: the log record that it was read from. ``place``: where it lies on the log, if not there.
    """

    fact: Fact
    stream_id: NodeId
    makes_part: bool
    decision: IdentityDecision | None = None
    identifier: Identifier | None = None
    profile_id: NodeId = b""
    attested: bool = False
    links: EventLinks = NO_LINKS
    holds_words: bool = False
    problem: str | None = None
    left_out: str | None = None
    record: LogRecord | None = None
    place: str = ""

    def mentions(self) -> EventLinks:
        """Return the profiles and edges that the event mentions, also where it names one identifier."""
        return EventLinks((self.only_profile(),)) if self.identifier is not None else self.links

    def only_profile(self) -> Profile:
        """Return the mention of the one profile of an event that has an ``identifier``."""
        one = self.identifier
        assert one is not None
        return Profile(self.profile_id, one.kind, one.scope, one.value, self.fact.recorded, self.attested)

    def left_out_for(self, reason: str, problem: str, ids: IdSpace) -> ClassifiedEvent:
        """Return the event as one of which nothing is made. Like a decision it is stored in the tenant's own stream,
        which is in nobody's history."""
        return msgspec.structs.replace(
            self, left_out=reason, problem=plain_text(problem, MOST_DETAIL), stream_id=ids.tenant_node()
        )

    def checked(self, ids: IdSpace, not_applied: str | None = None) -> ClassifiedEvent:
        """Return the event, left out if it can't be folded. ``not_applied``: the problem for which a store set it
        aside. Costs more than folding the event."""
        fault = fault_of(self.fact, ids)
        if fault is not None:
            return self.left_out_for(UNFOLDABLE, fault, ids)
        return self.left_out_for(NOT_APPLIED, not_applied, ids) if not_applied is not None else self


def read_event(raw: bytes, ids_of: IdsOf, record: LogRecord | None = None) -> ClassifiedEvent:
    """Decode and classify the event in some bytes.

    Raises ``Refused`` for a broken envelope (``undecodable``) and for a tenant that is not configured
    (``unknown-tenant``). An event of which something raises is left out.
    """
    event, problem = _decode(raw)
    ids = ids_of(event.tenantid)
    if ids is None:
        raise Refused("unknown-tenant", f"there is no tenant {event.tenantid[:64]!r}")
    try:
        fact = Fact(event, raw, ids)
    except (ValueError, RecursionError) as error:
        raise Refused("undecodable", f"partitionkey, sequence or data: {error}") from None
    return classify(fact, ids, problem, record)


def classify(fact: Fact, ids: IdSpace, problem: str | None = None, record: LogRecord | None = None) -> ClassifiedEvent:
    """Return what an event says. ``problem``: what was found of its data when it was decoded."""
    is_folded = makes_part(fact.event.type)
    stream_id = fact.stream_id if is_folded else _nobodys_stream(fact.event.type, ids)
    decision = None
    try:
        if is_folded:
            # Asked while the event is at hand: once a batch is read, each look at its events waits for memory.
            says = holds_words(fact.event)
            one = only_identifier(fact)
            if one is not None:
                id = fact.customer_profiles[0]
                attested = attests(one.kind, one.weight or weight_of(one, fact.event))
                return ClassifiedEvent(
                    fact, stream_id, True, None, one, id, attested, NO_LINKS, says, problem, record=record
                )  # fmt: skip
            links = links_of(fact, ids)
            return ClassifiedEvent(
                fact, stream_id, True, links=links, holds_words=says, problem=problem, record=record
            )  # fmt: skip
        decision = decision_of(fact, ids)
    except MemoryError:
        raise
    except Refused as error:
        problem = plain_text(error.detail, MOST_DETAIL)
    except Exception as error:
        unread = ClassifiedEvent(fact, stream_id, is_folded, problem=problem, record=record)
        return unread.left_out_for(UNFOLDABLE, fault_of(fact, ids) or NOT_FOLDED + told(error), ids)
    return ClassifiedEvent(fact, stream_id, is_folded, decision, problem=problem, record=record)


def _nobodys_stream(event_type: str, ids: IdSpace) -> NodeId:
    """Return where an event is stored that happened to no customer. What is told of agents and queues is read alone."""
    return ids.directory_node() if event_type.startswith(DIRECTORY_FAMILY) else ids.tenant_node()


def _decode(raw: bytes) -> tuple[Event, str | None]:
    """Return the event, and what of its data no fold can use. Of types that are not the hub's nothing is expected."""
    try:
        event = decode_read_only(raw)
    except Refused as error:
        event, problems = decode_leniently(raw)
        if not event.type.startswith("cx."):
            return event, None
        return event, plain_text("; ".join(problems) or error.detail, MOST_DETAIL)
    return event, (unusable(event.data) or None) if event.type.startswith("cx.") else None

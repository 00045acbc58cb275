"""Fold an event into its part: call each section's handlers for the event's type and members.

``apply`` adds a fact to a part in place. It is commutative and associative with ``parts.merge.merge``: the part of a
set of facts is the same whatever the order, provided that each fact is added once. This is the hot path of the
projector: no copying, no look-ups that a typical event does not need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from cx_context.parts.event_kinds import ABOUT_CUSTOMERS
from cx_context.parts.model import Part
from cx_context.parts.values import At
from cx_context.sections.join_fields import note_activity, note_event
from cx_context.sections.members import key_of
from cx_context.sections.proofs import note_people
from cx_context.sections.registry import SECTIONS
from cx_context.sections.section import Handler
from cx_events.activity import ACTIVITY_TYPES, WRITTEN_TYPES
from cx_events.catalogue import catalogue
from cx_events.continuity_tokens import REDEEMED
from cx_events.facts import Fact
from cx_events.weights import CLAIMED, WEIGHT_RANKS

_CLAIMED = WEIGHT_RANKS[CLAIMED]
_NOT_COUNTED = frozenset(name for name, known in catalogue().items() if known.kind != "interaction")
"""Decisions and insights are facts about facts; they are not counted as events of the customer."""


def _all_of(handlers: Sequence[Handler]) -> Handler:
    """Return one handler that does the work of all."""
    if len(handlers) == 1:
        return handlers[0]

    def handle(part: Part, fact: Fact, at: At) -> None:
        for handler in handlers:
            handler(part, fact, at)

    return handle


def _by_type() -> Mapping[str, Handler]:
    found: dict[str, list[Handler]] = {}
    for section in SECTIONS.values():
        for type, handler in section.handlers.items():
            found.setdefault(type, []).append(handler)
    return MappingProxyType({type: _all_of(handlers) for type, handlers in found.items()})


HANDLERS = _by_type()
"""What the sections add for events of a type."""

_BY_MEMBER = [item for section in SECTIONS.values() for item in section.member_handlers.items()]
_member_values = attrgetter(*(member for member, _ in _BY_MEMBER))
_member_handlers = tuple(handler for _, handler in _BY_MEMBER)


class _Traits(NamedTuple):
    """The traits of an event type, worked out once for each."""

    is_counted: bool
    is_about_customers: bool
    is_written: bool
    is_activity: bool


@lru_cache(1024)
def _traits_of(type: str) -> _Traits:
    return _Traits(
        type not in _NOT_COUNTED, type.startswith(ABOUT_CUSTOMERS), type in WRITTEN_TYPES, type in ACTIVITY_TYPES
    )


def new_part(fact: Fact) -> Part:
    """Return the part of this fact alone."""
    part = Part(
        interaction=fact.event.data.interaction,
        side=fact.side_id,
        identifier=key_of(fact.identifier) if fact.identifier is not None else "",
        weight=fact.weight,
        about=_about(fact),
        first_recorded=fact.recorded,
        last_recorded=fact.recorded,
        since=fact.effective,
        until=fact.effective,
    )
    apply(part, fact)
    return part


def _about(fact: Fact) -> str | None:
    """See ``Part.about``. Who presents a token names the thread of its issue, which is not the contact meant here."""
    data = fact.event.data
    if not fact.has_own_part:
        return None
    return data.conversation.id if data.conversation is not None and fact.event.type != REDEEMED else ""


def apply(part: Part, fact: Fact) -> None:
    """Add a fact to the part of its part id.

    Raises for a fact of which ``new_part`` raises, whatever the part holds (``fold_faults`` relies on it). The part is
    then half changed.
    """
    event = fact.event
    data = event.data
    type = event.type
    recorded = fact.recorded
    at = (fact.effective, fact.sequence, recorded, event.source, event.id)
    part.facts += 1
    if recorded > part.last_recorded:
        part.last_recorded = recorded
    elif recorded < part.first_recorded:
        part.first_recorded = recorded
    if at[0] > part.until:
        part.until = at[0]
    elif at[0] < part.since:
        part.since = at[0]
    is_counted, is_about_customers, is_written, is_activity = _traits_of(type)
    # Nobody waits for what a CRM writes down: of its channel only messages make a contact. What does not happen in one
    # is counted and stands on the timeline, but moves no conversation's beginning, end or channel.
    channel = data.channel
    happens_in_contact = not is_about_customers and (is_written or channel != "crm")
    if is_counted:
        part.events += 1
        if channel is not None:
            part.channels[channel] = part.channels.get(channel, 0) + 1
        if happens_in_contact:
            note_event(part, channel, at)
    if is_activity and happens_in_contact and data.interaction:
        note_activity(part, fact)
    handler = HANDLERS.get(type)
    if handler is not None:
        handler(part, fact, at)
    for handler in compress(_member_handlers, _member_values(data)):
        handler(part, fact, at)
    people = fact.customer_identifiers
    names = data.links or len(people) > 1 or (people and fact.weight < _CLAIMED)
    # What a CRM says of whom it looked up for a contact says nothing of who is there: somebody typed that address.
    if names and not (is_about_customers and data.interaction):
        note_people(part, fact, at)

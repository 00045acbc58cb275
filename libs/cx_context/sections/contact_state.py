"""Whether a contact is live, since when its customer waits, and whether its conversation is open."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from cx_context.parts.adding import later, later_register
from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_context.parts.rules import LastAt, LastValue
from cx_context.parts.speakers import BUSINESS_ROLES
from cx_context.parts.values import TEXT_KEPT, At
from cx_context.sections.agents import id_and_name, pass_on
from cx_context.sections.handoffs import note_agent_answer
from cx_context.sections.proofs import OPEN_CHANNELS, note_customer_activity
from cx_context.sections.section import Section, made_of
from cx_context.sections.threads import THREADING
from cx_events.facts import Fact, Order
from cx_events.timestamps import Micros

STATE = frozenset({"customer_spoke_at", "resolution", "contact_resolution", "reopened_at"})
"""The fields that decide whether a conversation is open."""

WAITING = STATE | {"end", "resumed_at", "business_spoke_at", "answered_at", "queued_at", "latest_messages"}
"""The fields that decide since when a customer waits."""


class Fields(Struct):
    queued_at: LastAt = None
    answered_at: LastAt = None
    end: LastValue = None
    """Why the interaction ended."""
    resumed_at: LastAt = None
    customer_spoke_at: LastAt = None
    business_spoke_at: LastAt = None
    resolution: LastValue = None
    """Why, or with which disposition, the matter was resolved."""
    contact_resolution: LastValue = None
    """The same of a resolve that is about this contact alone."""
    reopened_at: LastAt = None


def note_speaker(part: Part, role: str, at: At) -> None:
    """Note who spoke last, the customer or the business."""
    if role == "customer":
        part.customer_spoke_at = later(part.customer_spoke_at, at)
    elif role in BUSINESS_ROLES:
        part.business_spoke_at = later(part.business_spoke_at, at)


def _started(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    if data.direction == "inbound":
        part.customer_spoke_at = later(part.customer_spoke_at, at)
        note_customer_activity(part, at, is_open=data.channel in OPEN_CHANNELS)


def _queued(part: Part, fact: Fact, at: At) -> None:
    part.queued_at = later(part.queued_at, at)
    if not id_and_name(fact.event.data.queue)[0]:
        pass_on(part, at, "queued", "", None)


def _answered(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    part.answered_at = later(part.answered_at, at)
    if data.agent is not None or any(participant.role == "agent" for participant in data.participants):
        note_agent_answer(part, data, at)


def _ended(part: Part, fact: Fact, at: At) -> None:
    part.end = later_register(part.end, (at, fact.event.data.reason[:TEXT_KEPT]))


def _abandoned(part: Part, fact: Fact, at: At) -> None:
    part.end = later_register(part.end, (at, fact.event.data.reason[:TEXT_KEPT] or "abandoned"))


def _resumed(part: Part, fact: Fact, at: At) -> None:
    part.resumed_at = later(part.resumed_at, at)


def _resolved(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    resolved = (at, data.reason[:TEXT_KEPT] or data.disposition[:TEXT_KEPT])
    if data.conversation is not None and data.conversation.contact_only:
        part.contact_resolution = later_register(part.contact_resolution, resolved)
    else:
        part.resolution = later_register(part.resolution, resolved)


def _reopened(part: Part, fact: Fact, at: At) -> None:
    part.reopened_at = later(part.reopened_at, at)


def is_live(part: Part) -> bool:
    """Return whether an interaction goes on. An ended one stays ended unless an event resumes it."""
    return part.end is None or (part.resumed_at is not None and part.resumed_at > part.end[0])


def replied_at(part: Part) -> At | None:
    """Return when the business spoke last, or answered."""
    return max((at for at in (part.business_spoke_at, part.answered_at) if at is not None), default=None)


def waiting_since(part: Part) -> Micros | None:
    """Return since when the customer waits in a live interaction: the first thing said, or the queue, unanswered."""
    if not is_live(part):
        return None
    replied = replied_at(part)
    waits = [
        at for at in (part.customer_spoke_at, part.queued_at) if at is not None and (replied is None or at > replied)
    ]
    if not waits:
        return None
    for at, role, *_ in part.latest_messages:
        if role == "customer" and (replied is None or at > replied):
            waits.append(at)
    return min(waits)[0]


def conversation_state(members: Iterable[Part]) -> str:
    """Return ``resolved`` if the latest resolve is later than the latest customer message and reopening, else
    ``open``.

    A resolve of one contact alone counts for that contact. ``members``: contacts, the parts of each combined.
    """
    parts = list(members)
    whole = whole_resolution(parts)
    if whole is None and all(part.contact_resolution is None for part in parts):
        return "open"
    return "resolved" if all(is_settled(part, whole) for part in parts) else "open"


def whole_resolution(members: Iterable[Part]) -> Order | None:
    """Return the place of the latest resolve that is about a whole conversation, None where there is none."""
    return max((order_of(part, part.resolution[0]) for part in members if part.resolution is not None), default=None)


def is_settled(part: Part, whole: Order | None) -> bool:
    """Return whether a contact was resolved, alone or with its ``whole`` conversation, since its customer spoke or it
    was opened again."""
    resolved = whole
    if part.contact_resolution is not None:
        own = order_of(part, part.contact_resolution[0])
        resolved = own if whole is None else max(own, whole)
    return resolved is not None and all(
        at is None or order_of(part, at) < resolved for at in (part.customer_spoke_at, part.reopened_at)
    )


SECTION = Section(
    handlers={
        "cx.interaction.started.v1": _started,
        "cx.interaction.queued.v1": _queued,
        "cx.interaction.answered.v1": _answered,
        "cx.interaction.ended.v1": _ended,
        "cx.interaction.abandoned.v1": _abandoned,
        "cx.interaction.resumed.v1": _resumed,
        "cx.conversation.resolved.v1": _resolved,
        "cx.conversation.reopened.v1": _reopened,
    },
    provenance={
        ("conversations", "*", "state"): made_of(
            "resolved where the latest resolve is later than the latest customer message and reopening in each contact",
            *STATE, *THREADING, threaded=True,
        ),
        ("conversations", "*", "waiting_since"): made_of(
            "the first thing said, or the queue, that nobody answered", *WAITING, *THREADING, threaded=True
        ),
    },
)  # fmt: skip

"""Tell whether a contact is live, since when its customer waits, and whether its conversation is open."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Annotated

from msgspec import Struct

from cx_context.parts.adding import keep_first_of_second, later, later_register
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, FirstOfEachSecond, LastAt, LastValue
from cx_context.parts.speakers import BUSINESS_ROLES
from cx_context.parts.values import TEXT_KEPT, At
from cx_context.sections.agents import id_and_name, pass_on
from cx_context.sections.handoffs import note_agent_answer
from cx_context.sections.join_fields import THREADING
from cx_context.sections.proofs import OPEN_CHANNELS, note_customer_activity
from cx_context.sections.section import Section, made_of
from cx_events.facts import Fact, Order
from cx_events.timestamps import BEGINNING_OF_TIME, Micros

STATE = frozenset({"customer_spoke_at", "resolution", "contact_resolution", "reopened_at"})
"""The fields that decide whether a conversation is open."""

WAITING = STATE | {
    "end", "resumed_at", "business_spoke_at", "answered_at", "queued_at", "wait_begins", "latest_messages",
}  # fmt: skip
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
    wait_begins: Annotated[FirstOfEachSecond, WORDS] = []
    """When a wait may begin: the customer spoke, or was queued. In µs, in order: of each second the first time."""


def note_speaker(part: Part, role: str, at: At) -> None:
    """Note who spoke last, the customer or the business."""
    if role == "customer":
        _customer_spoke(part, at)
    elif role in BUSINESS_ROLES:
        part.business_spoke_at = later(part.business_spoke_at, at)


def _customer_spoke(part: Part, at: At) -> None:
    part.customer_spoke_at = later(part.customer_spoke_at, at)
    keep_first_of_second(part.wait_begins, at[0])


def _started(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    if data.direction == "inbound":
        _customer_spoke(part, at)
        note_customer_activity(part, at, is_open=data.channel in OPEN_CHANNELS)


def _queued(part: Part, fact: Fact, at: At) -> None:
    part.queued_at = later(part.queued_at, at)
    keep_first_of_second(part.wait_begins, at[0])
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


def _replied_at(part: Part) -> At | None:
    """Return when the business spoke last, or answered."""
    spoke, answered = part.business_spoke_at, part.answered_at
    if spoke is None or answered is None:
        return spoke if answered is None else answered
    return max(spoke, answered)


def attended_to(part: Part, settled: Order | None = None) -> Order | None:
    """Return the place up to which all that was said or asked for in a contact is answered or settled; None for
    nowhere.

    By the last reply, by a resolve of this contact alone that stands, and by what else settled it. ``settled``: see
    ``settled_places``.
    """
    replied, resolved = _replied_at(part), part.contact_resolution
    if settled is None and resolved is None:  # as nearly always
        return order_of(part, replied) if replied is not None else None
    places = [settled] if settled is not None else []
    if replied is not None:
        places.append(order_of(part, replied))
    if resolved is not None and (part.reopened_at is None or part.reopened_at <= resolved[0]):
        places.append(order_of(part, resolved[0]))
    return max(places, default=None)


def is_after(part: Part, at: At, place: Order | None) -> bool:
    """Return whether an event of a contact lies behind a place; behind nowhere all do."""
    return place is None or order_of(part, at) > place


def waiting_since(part: Part, settled: Order | None = None) -> Micros | None:
    """Return since when the customer waits in a live interaction: the first thing said, or the queue, unanswered.

    What a resolve settled waits no more, though nobody answered it: who writes again waits from then on. ``settled``:
    see ``settled_places``. Exact to a second where more was said than parts keep.
    """
    return unattended_since(part, attended_to(part, settled)) if is_live(part) else None


def unattended_since(part: Part, attended: Order | None) -> Micros | None:
    """Return the first thing that the customer of a live interaction said, or the queue, behind a place.

    ``attended``: as ``attended_to`` returns it.
    """
    begins = (at for at in (part.customer_spoke_at, part.queued_at) if at is not None)
    waits = [at[0] for at in begins if is_after(part, at, attended)]
    if not waits:
        return None
    waits += [at[0] for at, role, *_ in part.latest_messages if role == "customer" and is_after(part, at, attended)]
    first = bisect_right(part.wait_begins, BEGINNING_OF_TIME if attended is None else attended[0])
    return min((*waits, *part.wait_begins[first : first + 1]))


def first_wait(members: Sequence[Part]) -> Micros | None:
    """Return since when the customer of an open conversation waits, in whichever contact.

    ``members``: contacts, the parts of each combined.
    """
    waits = map(waiting_since, members, settled_places(members))
    return min((since for since in waits if since is not None), default=None)


def settled_places(members: Sequence[Part]) -> Sequence[Order | None]:
    """Return for each contact of a conversation up to which place others settled what its customer said there.

    By the latest resolve of the whole conversation, unless it was opened again since; and of an interaction that never
    ends by the latest reply, in whichever stretch. ``members``: contacts, the parts of each combined.
    """
    if all(part.resolution is None and part.endless_since is None for part in members):
        return [None] * len(members)  # as nearly always
    resolved = _standing_resolution(members)
    replies: dict[str, list[Order]] = {}
    for part in members:
        if part.endless_since is not None and (replied := _replied_at(part)) is not None:
            replies.setdefault(part.interaction, []).append(order_of(part, replied))
    if not replies:
        return [resolved] * len(members)
    found = []
    for part in members:
        places = replies.get(part.interaction, []) if part.endless_since is not None else []
        found.append(max([*places, resolved] if resolved is not None else places, default=None))
    return found


def _standing_resolution(members: Sequence[Part]) -> Order | None:
    """Return the place of the latest resolve of the whole conversation, None where it was opened again since."""
    resolved = whole_resolution(members)
    if resolved is None:
        return None
    opened = (order_of(part, part.reopened_at) for part in members if part.reopened_at is not None)
    return resolved if all(again < resolved for again in opened) else None


def conversation_state(members: Iterable[Part]) -> str:
    """Return ``resolved`` if the latest resolve is later than the latest customer message and reopening, else
    ``open``.

    A resolve of one contact alone counts for that contact. ``members``: contacts, the parts of each combined.
    """
    parts = list(members)
    if all(part.resolution is None and part.contact_resolution is None for part in parts):
        return "open"
    whole = whole_resolution(parts)
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

"""Fold and show what agents do to a conversation beside what they say of it: promise, assign, snooze, and undo.

An assignment holds until another one, until the conversation is unassigned, or until somebody accepts a handoff of it.
A conversation that was snoozed rests until the customer speaks again or it is resolved; whether ``snoozed_until`` is
past, no fold knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Struct

from cx_context.parts.adding import keep_greatest, keep_last, keep_latest, later_register
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, LastValue, greatest_by_key, last_by_key, latest
from cx_context.parts.undone import act_key, key_at, standing
from cx_context.parts.values import TEXT_KEPT, At, Register
from cx_context.sections.agents import DEALING, NAME, Names, id_and_name, learn_name, name_view
from cx_context.sections.contact_state import STATE
from cx_context.sections.handoff_acceptances import acceptance_of
from cx_context.sections.join_fields import THREADING
from cx_context.sections.registers import latest_register
from cx_context.sections.section import Section, made_of
from cx_events.errors import Refused
from cx_events.facts import Fact, Order
from cx_events.json_types import Json
from cx_events.schema_shapes import EVENT_NAME, TEXT, TEXT_OR_NONE, TIME, TIME_OR_NONE, array, named
from cx_events.timestamps import END_OF_TIME, Micros, format_time, parse_time

PROMISES_KEPT = 16
OUTCOMES_KEPT = 32
PROMISES_SHOWN = 10
UNDONE_KEPT = 64

Promised = tuple[At, str, str, int | None, bool | None]
"""(at, author, text, due in µs, whether it was kept)"""

PROMISED = "cx.conversation.promised.v1"
ASSIGNED = "cx.conversation.assigned.v1"
UNASSIGNED = "cx.conversation.unassigned.v1"
SNOOZED = "cx.conversation.snoozed.v1"
UNDONE = "cx.conversation.undone.v1"


class Fields(Struct):
    assignment: LastValue = None
    """[id, name] of the agent to whom it was assigned last, both "" after it was unassigned."""
    snooze: Annotated[LastValue, WORDS] = None
    """Until when it may rest, in µs; None where it was woken."""
    promises: Annotated[list[Promised], latest(PROMISES_KEPT), WORDS] = []
    """The latest promises, the latest first."""
    promise_outcomes: Annotated[dict[str, Register], last_by_key(OUTCOMES_KEPT), WORDS] = {}
    """Whether a promise was kept, by a hash of its event's name; None: open again."""
    undone: Annotated[dict[str, int], greatest_by_key(UNDONE_KEPT)] = {}
    """When an act was taken back, by a hash of its event's name. Of more the latest count."""


def _assigned(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    agent = id_and_name(data.assignee if data.assignee is not None else data.agent)
    part.assignment = later_register(part.assignment, (at, agent))
    learn_name(part, "agent", agent, at)


def _unassigned(part: Part, fact: Fact, at: At) -> None:
    part.assignment = later_register(part.assignment, (at, ["", ""]))


def _snoozed(part: Part, fact: Fact, at: At) -> None:
    part.snooze = later_register(part.snooze, (at, _time(fact.event.data.until)))


def _promised(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    promise = data.promise
    if promise is None:
        return
    if promise.of:
        key = act_key(promise.of)
        part.promise_outcomes[key] = later_register(part.promise_outcomes.get(key), (at, promise.kept))
        keep_last(part.promise_outcomes, OUTCOMES_KEPT)
        return
    author = (data.agent.name or data.agent.id) if data.agent is not None else ""
    promised = (at, author[:TEXT_KEPT], promise.text[:TEXT_KEPT], _time(promise.due), promise.kept)
    part.promises = keep_latest(part.promises, promised, PROMISES_KEPT)


def _undone(part: Part, fact: Fact, at: At) -> None:
    if fact.event.data.undoes:
        keep_greatest(part.undone, act_key(fact.event.data.undoes), at[0], UNDONE_KEPT)


def _time(text: str) -> Micros | None:
    """Return a time in µs; None for none, and for what is none, as only an import can bring."""
    try:
        return parse_time(text) if text else None
    except Refused:
        return None


def acts_view(parts: Sequence[Part], names: Names, *, is_open: bool) -> Json:
    """Return to whom a conversation is assigned, until when it may rest, and what was promised."""
    rests = snoozed_until(parts) if is_open else None
    return {
        "assigned_to": assigned_view(parts, names),
        "snoozed_until": format_time(rests) if rests is not None else None,
        "promises": promises_view(parts, names),
    }


def assigned_view(parts: Sequence[Part], names: Names) -> Json | None:
    """Return to whom a conversation is assigned; None where to nobody."""
    found = latest_register(parts, "assignment")
    if found is None or not found[1][0]:
        return None
    accepted = max((order_of(part, own[0]) for part in parts if (own := acceptance_of(part)) is not None), default=None)
    return None if accepted is not None and accepted > found[0] else name_view("agent", found, names)


def snoozed_until(parts: Sequence[Part]) -> Micros | None:
    """Return until when an open conversation may rest; None where it was woken, or the customer spoke since."""
    found = latest_register(parts, "snooze")
    if found is None or found[1] is None:
        return None
    spoke = [order_of(part, part.customer_spoke_at) for part in parts if part.customer_spoke_at is not None]
    return None if spoke and max(spoke) > found[0] else found[1]


def promises_view(parts: Sequence[Part], names: Names) -> list[Json]:
    """Return the promises: open ones first, the earliest due before others; then the others, newest first."""
    if not any(part.promises for part in parts):
        return []
    outcomes = _outcomes(parts)
    rows: list[tuple[tuple[bool, Micros, Order], Json]] = []
    for part in parts:
        for at, author, text, due, said in standing(part.promises, part.undone):
            kept = outcomes.get(key_at(at), said)
            order = order_of(part, at)
            is_open = kept is None
            by = END_OF_TIME if due is None else due
            rows.append(
                ((not is_open, by if is_open else -order[0], order), _promise(at, author, text, due, kept, names))
            )
    rows.sort(key=lambda row: row[0])
    return [row for _, row in rows[:PROMISES_SHOWN]]


def _promise(at: At, author: str, text: str, due: Micros | None, kept: bool | None, names: Names) -> Json:
    return {
        "event": {"source": at[3], "id": at[4]},
        "time": format_time(at[0]),
        "agent": names.get(("agent", author), author) or None,
        "text": text,
        "due": format_time(due) if due is not None else None,
        "kept": kept,
    }


def _outcomes(parts: Sequence[Part]) -> dict[str, bool | None]:
    """Return whether promises were kept, by ``act_key``: what was said of each last, by nobody taken back."""
    found: dict[str, tuple[Order, bool | None]] = {}
    for part in parts:
        for key, (at, kept) in part.promise_outcomes.items():
            order = order_of(part, at)
            if key_at(at) not in part.undone and (key not in found or order > found[key][0]):
                found[key] = (order, kept)
    return {key: kept for key, (_, kept) in found.items()}


ASSIGNEE = NAME
SNOOZED_UNTIL: Json = {
    **TIME_OR_NONE,
    "description": "Until when it may rest, unless the customer speaks before. It may be past: the body asks no clock.",
}
PROMISE_MEMBERS: Mapping[str, Json] = {
    "event": EVENT_NAME,
    "time": TIME,
    "agent": TEXT_OR_NONE,
    "text": TEXT,
    "due": TIME_OR_NONE,
}
PROMISE = named(
    "PromiseShown", {**PROMISE_MEMBERS, "kept": {"type": ["boolean", "null"], "description": "null: open."}}
)
"""The schema of an item of ``promises_view``."""

ACTS: Mapping[str, Json] = {"assigned_to": ASSIGNEE, "snoozed_until": SNOOZED_UNTIL, "promises": array(PROMISE)}
"""The schemas of the members of ``acts_view``."""

SECTION = Section(
    handlers={
        PROMISED: _promised,
        ASSIGNED: _assigned,
        UNASSIGNED: _unassigned,
        SNOOZED: _snoozed,
        UNDONE: _undone,
    },
    provenance={
        ("conversations", "*", "assigned_to"): made_of(
            "the assignment made last, where nobody accepted a handoff since",
            *DEALING, "names", *THREADING, threaded=True,
        ),
        ("conversations", "*", "snoozed_until"): made_of(
            "the snooze said last, where it is open and the customer did not speak since",
            "snooze", *STATE, *THREADING, threaded=True,
        ),
        ("conversations", "*", "promises"): made_of(
            "the latest promises, and what was said of each last",
            "promises", "promise_outcomes", "undone", "names", *THREADING, threaded=True,
        ),
    },
)  # fmt: skip

"""Fold and show who deals with a contact and where it waits: agents and queues, and what they are called.

An event that gives an id alone takes no known name away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from msgspec import Struct

from cx_context.parts.adding import keep_last, later_register
from cx_context.parts.event_kinds import ABOUT_CUSTOMERS
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, LastValue, last_by_key
from cx_context.parts.values import TEXT_KEPT, At, Register
from cx_context.sections.join_fields import THREADING
from cx_context.sections.section import Section, made_of
from cx_events.envelope import AgentOrQueue, Data
from cx_events.facts import Fact, Order
from cx_events.schema_shapes import ID_AND_NAME, or_none

NAMES_KEPT = 64
CONTEXT_SHOWN = "cx.handoff.context_shown.v1"
"""Its agent has read, and dealt with nobody yet."""

DEALING = ("agent", "mentioned", "acceptances", "declines", "transfer", "queued_at", "assignment")
"""The fields that say who deals with a contact (``takeovers.agent_of``)."""

_NOT_DEALING = frozenset(
    {
        CONTEXT_SHOWN,
        "cx.handoff.accepted.v1",
        "cx.handoff.declined.v1",
        "cx.conversation.assigned.v1",
        "cx.conversation.unassigned.v1",
    }
)
"""The types whose ``agent`` does not deal with the contact thereby: who reads, who says who is to deal with it, who
declines; and who accepts, which counts by ``handoff_acceptances``."""

_TELLING_ABOUT = frozenset(
    {
        "cx.call.recording.v1",
        "cx.conversation.disposition.v1",
        "cx.conversation.note.v1",
        "cx.conversation.topic.v1",
        "cx.insight.found.v1",
        "cx.survey.answered.v1",
    }
)
"""The types that tell about a contact, often when it is over or passed on: their ``agent`` wrapped it up, wrote a note
or is who is meant, and deals with it only where nobody else is known to (``Fields.mentioned``)."""


class Fields(Struct):
    agent: LastValue = None
    """[id, name] of the agent who was named last as dealing with the contact, by other events than acceptances."""
    mentioned: LastValue = None
    """[id, name] of the agent whom what tells about the contact named last (``_TELLING_ABOUT``)."""
    queue: Annotated[LastValue, WORDS] = None
    """[id, name] of the queue that was named last."""
    names: Annotated[dict[str, Register], last_by_key(NAMES_KEPT)] = {}
    """The last known name of agents and queues, by ``KIND\\nID``."""
    offer: Annotated[LastValue, WORDS] = None
    """The id of the agent to whom the contact was offered."""
    transfer: LastValue = None
    """[how, agent, queue]: to whom or into which queue the contact was passed on."""


Names = Mapping[tuple[str, str], str]
"""Names by (kind, id), kind ``agent`` or ``queue``."""


def id_and_name(one: AgentOrQueue | None) -> list[str]:
    """Return [id, name] as parts hold them, both "" of none."""
    return [one.id[:TEXT_KEPT], one.name[:TEXT_KEPT]] if one is not None else ["", ""]


def agent_at_work(data: Data) -> list[str] | None:
    """Return the agent at work, [id, name]: by ``agent``, else the first who takes part as one."""
    return id_and_name(data.agent) if data.agent is not None else _agent_taking_part(data)


def _agent_taking_part(data: Data) -> list[str] | None:
    """Return the first who takes part as an agent: by id, else by mail address."""
    for participant in data.participants:
        if participant.role == "agent":
            id = participant.id or next((each.value for each in participant.identifiers if each.kind == "email"), "")
            if id or participant.name:
                return [id[:TEXT_KEPT], participant.name[:TEXT_KEPT]]
    return None


def pass_on(part: Part, at: At, how: str, to: str, queue: AgentOrQueue | None) -> None:
    """Note to whom the contact was passed on, by what this event names alone.

    Other events of the contact may lie in another stream, and each stream's side must say of itself whom it concerns.
    """
    part.transfer = later_register(part.transfer, (at, [how, to[:TEXT_KEPT], id_and_name(queue)[0]]))


def learn_name(part: Part, kind: str, named: Sequence[str], at: At) -> None:
    """Note the name of an agent or a queue, [id, name], where both are told."""
    id, name = named
    if id and name:
        key = f"{kind}\n{id}"
        part.names[key] = later_register(part.names.get(key), (at, name))
        keep_last(part.names, NAMES_KEPT)


def _note_agent(part: Part, fact: Fact, at: At) -> None:
    if not fact.event.type.startswith(ABOUT_CUSTOMERS):
        _deal(part, fact.event.type, id_and_name(fact.event.data.agent), at)


def _note_participants(part: Part, fact: Fact, at: At) -> None:
    event = fact.event
    if event.data.agent is None:
        agent = _agent_taking_part(event.data)
        if agent is not None and not event.type.startswith(ABOUT_CUSTOMERS):
            _deal(part, event.type, agent, at)


def _deal(part: Part, type: str, agent: list[str], at: At) -> None:
    if not any(agent):
        return
    if type in _TELLING_ABOUT:
        part.mentioned = later_register(part.mentioned, (at, agent))
    elif type not in _NOT_DEALING:
        part.agent = later_register(part.agent, (at, agent))
    learn_name(part, "agent", agent, at)


def _note_queue(part: Part, fact: Fact, at: At) -> None:
    if not fact.event.type.startswith(ABOUT_CUSTOMERS):
        queue = id_and_name(fact.event.data.queue)
        if any(queue):
            part.queue = later_register(part.queue, (at, queue))
        learn_name(part, "queue", queue, at)


def _note_names(part: Part, fact: Fact, at: At) -> None:
    """Learn the names of whom a contact is passed on to."""
    data = fact.event.data
    if fact.event.type.startswith(ABOUT_CUSTOMERS):
        return
    for passed in (data.transfer, data.handoff):
        if passed is not None and passed.queue is not None:
            learn_name(part, "queue", id_and_name(passed.queue), at)
    if data.transfer is not None and data.transfer.agent is not None:
        learn_name(part, "agent", id_and_name(data.transfer.agent), at)


def _routed(part: Part, fact: Fact, at: At) -> None:
    agent = fact.event.data.agent
    if agent is not None and agent.id:
        part.offer = later_register(part.offer, (at, id_and_name(agent)[0]))


def _transferred(part: Part, fact: Fact, at: At) -> None:
    transfer = fact.event.data.transfer
    if transfer is not None:
        to = transfer.agent.id if transfer.agent is not None else transfer.to
        pass_on(part, at, "transfer", to, transfer.queue)


def naming_parts(parts: Iterable[Part]) -> list[Part]:
    """Return those parts that say the last known name of an agent or a queue: ``names_of`` them is that of all."""
    latest: dict[str, tuple[Order, int]] = {}
    named = [part for part in parts if part.names]
    for place, part in enumerate(named):
        for key, (at, _) in part.names.items():
            order = order_of(part, at)
            if key not in latest or order > latest[key][0]:
                latest[key] = (order, place)
    return [named[place] for place in sorted({place for _, place in latest.values()})]


def names_of(parts: Iterable[Part]) -> Names:
    """Return the last known name of each agent and queue in some parts."""
    latest: dict[tuple[str, str], tuple[Order, str]] = {}
    for part in parts:
        for key, (at, name) in part.names.items():
            kind, _, id = key.partition("\n")
            order = order_of(part, at)
            if (kind, id) not in latest or order > latest[kind, id][0]:
                latest[kind, id] = (order, name)
    return {key: name for key, (_, name) in latest.items()}


NAME = or_none(ID_AND_NAME)
"""The schema of ``name_view``."""


def name_view(kind: str, register: Register | tuple[Order, Any] | None, names: Names) -> dict[str, str] | None:
    """Return ``{id, name}`` of a register that holds [id, name]; None without one."""
    if register is None:
        return None
    id, name = register[1]
    return {"id": id, "name": name or names.get((kind, id), "")}


SECTION = Section(
    handlers={
        "cx.interaction.routed.v1": _routed,
        "cx.interaction.transferred.v1": _transferred,
    },
    member_handlers={
        "agent": _note_agent,
        "participants": _note_participants,
        "queue": _note_queue,
        "transfer": _note_names,
        "handoff": _note_names,
    },
    provenance={
        ("conversations", "*", "agent"): made_of(
            "the agent named last, by an acceptance if it was the first", *DEALING, "names", *THREADING, threaded=True
        ),
        ("conversations", "*", "queue"): made_of("the queue named last", "queue", "names", *THREADING, threaded=True),
    },
    not_shown={
        "offer": "whose routing targets the contact is among",
    },
)

"""Make a conversation's row of lists, and tell what it is listed under. Pure.

It is listed under its channels, under the agent and the queue that were named last, and while it is open under the
agents and queues that one of its contacts concerns now (``cx_context.routing_targets``). Ids are those that vendors
gave, with the source that gave them: the tenant's directory is asked when a list is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_context.listing.naming import source_of
from cx_context.listing.waits import ListedWait, NamedQueue, listed_waits
from cx_context.parts.model import Part
from cx_context.routing_targets import routing_targets
from cx_context.sections.agents import Names, names_of
from cx_context.sections.contact_state import conversation_state
from cx_context.sections.handoff_acceptances import latest_agent
from cx_context.sections.messages import messages_view, said_in
from cx_context.sections.notes import topic_of
from cx_context.sections.registers import latest_register
from cx_context.sections.section_inputs import Rendering
from cx_context.sections.sentiment import scores_of, sentiment_view
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_context.threading.one_contact import as_one
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

OPEN, RESOLVED = 0, 1
"""How a state is stored, so that open ones come first."""


class Named(NamedTuple):
    """An agent or a queue as a vendor named it: ``source`` says whose id it is."""

    id: str
    name: str
    source: str


class Under(NamedTuple):
    """One thing that a conversation is listed under: kind ``channel``, ``agent`` or ``queue``. ``held``: since when,
    where one of its contacts concerns that agent or queue now; else None."""

    kind: str
    name: str
    source: str = ""
    label: str = ""
    held: Micros | None = None


class Line(NamedTuple):
    """The last words."""

    time: str
    role: str
    name: str | None
    text: str


class Mood(NamedTuple):
    """The customer's, of their own words in the conversation, as ``sentiment`` of a context has it of all."""

    current: float
    trend: str


class Shown(Struct, array_like=True):
    """The rest of what a list shows of a conversation. ``interaction``: the contact that was active last. ``held``: the
    agents and queues that one of its contacts concerns now. ``mood``: None where nothing was found of any words."""

    topic: str | None
    interaction: str
    channels: list[str]
    contacts: int
    agent: Named | None
    queue: Named | None
    line: Line | None
    held: list[Under]
    mood: Mood | None = None


class ListedConversation(NamedTuple):
    """A row of lists. ``waiting``: since when the customer waits; ``waits``: the contacts in which they do."""

    id: NodeId
    state: int
    opened: Micros
    last: Micros
    waiting: Micros | None
    under: tuple[Under, ...]
    shown: bytes
    waits: tuple[ListedWait, ...] = ()


def listed_conversations(of: Rendering) -> list[ListedConversation]:
    """Return a customer's conversations."""
    return [_listed(of, each) for each in of.conversations]


def _listed(of: Rendering, conversation: Conversation) -> ListedConversation:
    members = [of.with_words(member) for member in conversation.members]
    parts = [member.part for member in members]
    wholes = as_one(members)
    state = OPEN if conversation_state([each.part for each in wholes]) == "open" else RESOLVED
    names = names_of(parts)
    agent, queue = _named("agent", parts, names), _named("queue", parts, names)
    last_queue = NamedQueue(*queue) if queue is not None and queue.id else None
    waits = listed_waits(wholes, last_queue) if state == OPEN else []
    channels = list(dict.fromkeys(part.channel[1] for part in parts if part.channel is not None))
    latest = max(members, key=lambda member: (member.last_activity, member.start))
    under = _under(channels, agent, queue, parts if state == OPEN else (), names)
    held = sorted((each for each in under if each.held is not None), key=lambda each: (each.held, each))
    shown = Shown(
        topic_of(parts), latest.name, channels, len(wholes), agent, queue, _last_line(members), held, _mood(parts)
    )
    return ListedConversation(
        conversation.id,
        state,
        members[0].start[0],
        conversation.last_activity,
        min((wait.since for wait in waits), default=None),
        tuple(under),
        msgspec.msgpack.encode(shown),
        tuple(waits),
    )


def _mood(parts: Sequence[Part]) -> Mood | None:
    found = sentiment_view(scores_of(parts))
    return Mood(found["current"], found["trend"]) if found is not None else None


def _last_line(members: Sequence[Contact]) -> Line | None:
    latest = next(iter(messages_view(said_in(members))), None)
    return Line(latest["time"], latest["role"], latest["name"], latest["text"]) if latest is not None else None


def _named(kind: str, parts: Sequence[Part], names: Names) -> Named | None:
    register = latest_agent(parts) if kind == "agent" else latest_register(parts, kind)
    if register is None:
        return None
    order, (id, name) = register
    return Named(id, name or names.get((kind, id), ""), order[4])


def _under(
    channels: Iterable[str], agent: Named | None, queue: Named | None, live: Sequence[Part], names: Names
) -> list[Under]:
    under = {("channel", each, ""): Under("channel", each) for each in channels}
    for kind, named in (("agent", agent), ("queue", queue)):
        if named is not None and named.id:
            under[kind, named.id, named.source] = Under(kind, named.id, named.source, named.name)
    for part in live:
        for target, reason in routing_targets(part).items():
            source = source_of(part, target)
            key = (target.kind, target.name, source)
            held = under[key].held if key in under else None
            since = min(reason.at[0], held) if held is not None else reason.at[0]
            label = under[key].label if key in under else names.get((target.kind, target.name), "")
            under[key] = Under(*key, label, since)
    return [under[key] for key in sorted(under)]

"""Fold requests for handoffs, and whether the context was on screen before whoever took over answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from cx_context.parts.adding import keep_first, later_register
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, LastValue, first_by_key
from cx_context.parts.speakers import name_of_role
from cx_context.parts.values import TEXT_KEPT, At, Register, shorten_name
from cx_context.sections.agents import CONTEXT_SHOWN, agent_at_work, id_and_name, pass_on
from cx_context.sections.section import Section
from cx_events.envelope import Data, Handoff
from cx_events.facts import Fact, Order

Placed = tuple[Order, Any]


HANDOFF_AGENTS_KEPT = 32


class Fields(Struct):
    handoff: Annotated[LastValue, WORDS] = None
    """[to, reason, role of who asks, name of who asks] of the handoff that was asked for last in the contact."""
    context_view: Annotated[LastValue, WORDS] = None
    """The id of the agent who had the context on screen last."""
    first_answers: Annotated[dict[str, At], first_by_key(HANDOFF_AGENTS_KEPT), WORDS] = {}
    """When each agent, by id, first answered or spoke in the contact."""
    first_views: Annotated[dict[str, At], first_by_key(HANDOFF_AGENTS_KEPT), WORDS] = {}
    """When each agent, by id, first had the context on screen."""


def note_agent_answer(part: Part, data: Data, at: At) -> None:
    """Note that the agent at work answered or spoke."""
    agent = agent_at_work(data)
    keep_first(part.first_answers, shorten_name(agent[0] if agent is not None else ""), at, HANDOFF_AGENTS_KEPT)


def _requested(part: Part, fact: Fact, at: At) -> None:
    _ask(part, fact.event.data, at)


def _asked_by_bot(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    handoff = msgspec.structs.replace(data.handoff or Handoff(), by="bot")
    _ask(part, msgspec.structs.replace(data, handoff=handoff), at)


def _ask(part: Part, data: Data, at: At) -> None:
    handoff = data.handoff or Handoff()
    asked = (at, [handoff.to[:TEXT_KEPT], data.reason[:TEXT_KEPT], *_asking(data)])
    part.handoff = later_register(part.handoff, asked)
    pass_on(part, at, "handoff", handoff.to, handoff.queue or (None if handoff.to else data.queue))


def _asking(data: Data) -> tuple[str, str]:
    """Return who asks for somebody else, (role, name): as the event says it, else as it shows it."""
    said = data.handoff.by if data.handoff is not None else None
    role = said or (
        "agent"
        if data.agent is not None
        else "bot"
        if data.bot is not None or any(participant.role == "bot" for participant in data.participants)
        else "customer"
        if data.direction == "inbound"
        else ""
    )
    agent = data.agent if role == "agent" else None
    name = (agent.name or agent.id) if agent is not None else name_of_role(data, role)
    return role, name[:TEXT_KEPT]


def _context_shown(part: Part, fact: Fact, at: At) -> None:
    agent = id_and_name(fact.event.data.agent)[0]
    part.context_view = later_register(part.context_view, (at, agent))
    keep_first(part.first_views, shorten_name(agent), at, HANDOFF_AGENTS_KEPT)


def shown_before_answer(parts: Sequence[Part], since: Order, agent: str) -> bool | None:
    """Return whether the context was on this agent's screen before their first answer after the handoff.

    None while they have not answered, or where it can't be told: who had answered here before the handoff is measured
    only by an ``answered`` event after it.
    """
    first = _first(parts, lambda part: part.first_answers, agent)
    if first is None:
        return None
    if first > since:
        shown = _first(parts, lambda part: part.first_views, agent)
        return shown is not None and shown < first
    answered = _max(order_of(part, part.answered_at) for part in parts if part.answered_at is not None)
    latest = _latest(parts, lambda part: part.context_view)
    if answered is None or answered < since:
        return None
    if latest is None or latest[0] < since:
        return False
    return True if latest[0] < answered and latest[1] == agent else None


def has_answered(parts: Sequence[Part], agent: str, since: Order | None) -> bool:
    """Return whether this agent answered already: since a handoff was asked for, or ever where none was."""
    first = _first(parts, lambda part: part.first_answers, agent)
    if first is None or since is None or first > since:
        return first is not None
    answered = _max(order_of(part, part.answered_at) for part in parts if part.answered_at is not None)
    return answered is not None and answered > since


def shown_since(parts: Sequence[Part], since: Order) -> Placed | None:
    """Return who had the context on screen last since a handoff was asked for: (when, the agent's id)."""
    shown = _latest(parts, lambda part: part.context_view)
    return shown if shown is not None and shown[0] > since else None


def _latest(parts: Iterable[Part], register: Callable[[Part], Register | None]) -> Placed | None:
    return max(
        ((order_of(part, found[0]), found[1]) for part in parts if (found := register(part)) is not None),
        key=lambda placed: placed[0],
        default=None,
    )


def _first(parts: Iterable[Part], times: Callable[[Part], dict[str, At]], agent: str) -> Order | None:
    key = shorten_name(agent)
    return min((order_of(part, at) for part in parts if (at := times(part).get(key)) is not None), default=None)


def _max(orders: Iterable[Order]) -> Order | None:
    return max(orders, default=None)


SECTION = Section(
    handlers={
        "cx.bot.handoff_asked.v1": _asked_by_bot,
        "cx.handoff.requested.v1": _requested,
        CONTEXT_SHOWN: _context_shown,
    },
)
"""``handoff_requests`` shows its fields."""

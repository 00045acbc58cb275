"""The latest handoff of a conversation, and whether the context was on screen before whoever took over answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_context.parts.values import At, Register, shorten_name
from cx_context.sections.agents import name_view, names_of
from cx_events.facts import Order
from cx_events.json_types import Json
from cx_events.timestamps import format_time

Placed = tuple[Order, Any]


def handoff_view(parts: Sequence[Part]) -> Json | None:
    """None where nobody asked for one."""
    asked = _latest(parts, lambda part: part.handoff)
    if asked is None:
        return None
    since, (to, reason, by, asker) = asked
    accepted = _latest(parts, lambda part: part.accepted)
    if accepted is not None and accepted[0] < since:
        accepted = None
    shown = _latest(parts, lambda part: part.shown)
    if shown is not None and shown[0] < since:
        shown = None
    names = names_of(parts)
    agent = accepted[1][0] if accepted is not None else shown[1] if shown is not None else None
    return {
        "requested_at": format_time(since[0]),
        "by": by or None,
        "requested_by": (names.get(("agent", asker), asker) if by == "agent" else asker) or None,
        "to": to or None,
        "reason": reason or None,
        "accepted_by": name_view("agent", accepted, names),
        "accepted_at": format_time(accepted[0][0]) if accepted is not None else None,
        "shown_at": format_time(shown[0][0]) if shown is not None else None,
        "shown_before_answer": shown_before_answer(parts, since, agent) if agent is not None else None,
    }


def shown_before_answer(parts: Sequence[Part], since: Order, agent: str) -> bool | None:
    """Whether the context was on this agent's screen before their first answer after the handoff. None while they have
    not answered, or where it can't be told: who had answered here before the handoff is measured only by an
    ``answered`` event after it."""
    first = _first(parts, lambda part: part.first_answered, agent)
    if first is None:
        return None
    if first > since:
        shown = _first(parts, lambda part: part.first_shown, agent)
        return shown is not None and shown < first
    answered = _max(order_of(part, part.answered) for part in parts if part.answered is not None)
    latest = _latest(parts, lambda part: part.shown)
    if answered is None or answered < since:
        return None
    if latest is None or latest[0] < since:
        return False
    return True if latest[0] < answered and latest[1] == agent else None


def has_answered(parts: Sequence[Part], agent: str) -> bool:
    """Whether this agent answered already: since the latest handoff was asked for, or ever where none was."""
    asked = _latest(parts, lambda part: part.handoff)
    first = _first(parts, lambda part: part.first_answered, agent)
    if first is None or asked is None or first > asked[0]:
        return first is not None
    answered = _max(order_of(part, part.answered) for part in parts if part.answered is not None)
    return answered is not None and answered > asked[0]


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

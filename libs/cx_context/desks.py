"""Whose desks a live interaction concerns: the agents it is with or was passed on to, the queues in which it waits.

A pure function of a part (or of several, combined), so it is the same in any order of events.

- *agent*: who deals with it (the last one named), to whom it was offered, who was asked to take it over.
- *queue*: where it waits. It does so until it is answered or accepted; to be queued, or passed on, again begins anew.

An interaction that ended, or whose matter was resolved, concerns nobody's desk.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from cx_context.combine import later
from cx_context.finish import conversation_state, is_live
from cx_context.model import At, Part
from cx_events.facts import Fact

Kind = Literal["agent", "queue"]


class Desk(NamedTuple):
    """An agent or a queue, by id."""

    kind: Kind
    name: str


class Reason(NamedTuple):
    """Why an interaction concerns a desk: ``offered``, ``answered``, ``accepted``, ``assigned`` (an agent is named and
    nothing more is known), ``handoff``, ``transfer``, ``queued``; ``at``: what told so."""

    at: At
    why: str


_MOVING = frozenset(
    f"cx.interaction.{what}.v1"
    for what in ("queued", "routed", "answered", "ended", "abandoned", "resumed", "transferred")
) | {"cx.handoff.requested.v1", "cx.handoff.accepted.v1", "cx.bot.handoff_asked.v1"}
_SETTLING = frozenset({"cx.conversation.resolved.v1", "cx.conversation.reopened.v1"})


def may_move(part: Part, facts: Collection[Fact]) -> bool:
    """Whether adding these facts could change whose desks a part concerns. Nearly always not, and then this is all that
    desks cost."""
    if part.resolved is not None:
        return True
    for fact in facts:
        event = fact.event
        data = event.data
        if data.agent is not None and (part.agent is None or part.agent[1][0] != data.agent.id):
            return True
        if data.queue is not None and (part.queue is None or part.queue[1][0] != data.queue.id):
            return True
        if event.type in _MOVING or event.type in _SETTLING:
            return True
    return False


def desks(part: Part) -> dict[Desk, Reason]:
    """Every desk that a live interaction concerns now, and why."""
    if not part.interaction or not is_live(part) or conversation_state([part]) != "open":
        return {}
    found: dict[Desk, Reason] = {}
    taken: At | None = part.answered
    if part.accepted is not None:
        taken = later(taken, part.accepted[0])
    if part.agent is not None and part.agent[1][0]:
        agent = part.agent[1][0]
        found[Desk("agent", agent)] = _dealing(part, agent)
    if part.offered is not None and (taken is None or part.offered[0] > taken):
        found.setdefault(Desk("agent", part.offered[1]), Reason(part.offered[0], "offered"))
    if part.queue is not None and part.queue[1][0] and (taken is None or _after(part.queued, taken)):
        found[Desk("queue", part.queue[1][0])] = Reason(part.queued or part.queue[0], "queued")
    if part.passed is not None and _after(part.passed[0], taken):
        at, (how, to, queue) = part.passed
        if to:
            found[Desk("agent", to)] = Reason(at, how)
        if queue:
            found[Desk("queue", queue)] = Reason(at, how)
    return found


def _dealing(part: Part, agent: str) -> Reason:
    """Of the agent named last: the last step that made it theirs."""
    assert part.agent is not None
    steps: list[Reason] = []
    if part.offered is not None and part.offered[1] == agent:
        steps.append(Reason(part.offered[0], "offered"))
    if part.answered is not None and (part.offered is None or part.answered > part.offered[0]):
        steps.append(Reason(part.answered, "answered"))
    if part.accepted is not None and part.accepted[1][0] == agent:
        steps.append(Reason(part.accepted[0], "accepted"))
    return max(steps, default=Reason(part.first or part.agent[0], "assigned"))


def _after(at: At | None, taken: At | None) -> bool:
    return at is not None and (taken is None or at > taken)

"""Whose desks a live interaction concerns: the agents it is with or was passed on to, the queues in which it waits.

A pure function of a part (or of several, combined), so it is the same in any order of events.

- *agent*: who deals with it (the last one named), to whom it was offered, who was asked to take it over.
- *queue*: where it waits. It does so until it is answered or accepted; to be queued, or passed on, again begins anew.

An interaction that ended, or whose matter was resolved, concerns nobody's desk.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from cx_context.combine import later
from cx_context.finish import conversation_state, is_live
from cx_context.model import At, Part, Register

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


Matter = tuple[Any, ...]
"""All of a part that its desks are made of: parts of equal matter concern the same desks, for the same reasons."""

_NOBODYS: Matter = ()


def matter_of(part: Part) -> Matter:
    """Return what ``desks`` looks at. Asked twice for each part that a batch touches, so it does little."""
    if not part.interaction or not is_live(part) or (part.resolved is not None and _is_resolved(part)):
        return _NOBODYS
    agent, queue = part.agent, part.queue
    return (
        agent[1][0] if agent is not None else "",
        queue[1][0] if queue is not None else "",
        part.offered,
        part.answered,
        part.accepted,
        part.passed,
        part.queued or (queue[0] if queue is not None else None),
        part.queued,
        part.first or (agent[0] if agent is not None else None),
    )


def _is_resolved(part: Part) -> bool:
    return conversation_state([part]) != "open"


def desks(part: Part) -> dict[Desk, Reason]:
    """Every desk that a live interaction concerns now, and why."""
    return desks_of(matter_of(part))


def desks_of(matter: Matter) -> dict[Desk, Reason]:
    """As ``desks``, by the part's matter."""
    if not matter:
        return {}
    agent, queue, offered, answered, accepted, passed, waits, queued, first = matter
    found: dict[Desk, Reason] = {}
    taken: At | None = answered
    if accepted is not None:
        taken = later(taken, accepted[0])
    if agent:
        found[Desk("agent", agent)] = _dealing(agent, offered, answered, accepted, first)
    if offered is not None and (taken is None or offered[0] > taken):
        found.setdefault(Desk("agent", offered[1]), Reason(offered[0], "offered"))
    if queue and (taken is None or _after(queued, taken)):
        found[Desk("queue", queue)] = Reason(waits, "queued")
    if passed is not None and _after(passed[0], taken):
        at, (how, to, into) = passed
        if to:
            found[Desk("agent", to)] = Reason(at, how)
        if into:
            found[Desk("queue", into)] = Reason(at, how)
    return found


def _dealing(agent: str, offered: Register | None, answered: At | None, accepted: Register | None, first: At) -> Reason:
    """Of the agent named last: the last step that made it theirs."""
    steps: list[Reason] = []
    if offered is not None and offered[1] == agent:
        steps.append(Reason(offered[0], "offered"))
    if answered is not None and (offered is None or answered > offered[0]):
        steps.append(Reason(answered, "answered"))
    if accepted is not None and accepted[1][0] == agent:
        steps.append(Reason(accepted[0], "accepted"))
    return max(steps, default=Reason(first, "assigned"))


def _after(at: At | None, taken: At | None) -> bool:
    return at is not None and (taken is None or at > taken)

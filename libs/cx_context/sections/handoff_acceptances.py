"""Decide who took over a handoff: the first who accepted it; and tell who declined it.

Agents accept within a moment of each other, and neither sees the other's acceptance. So it is decided here: what was
passed on last, by a request, a transfer, an assignment or into a queue, is the first one's who accepts it afterwards,
in the order of the facts. Who accepts it later has come too late. An acceptance may name what it accepts
(``Data.handoff.id``); then it counts for that alone. A decline takes the agent's earlier acceptance back.

A pure function of a part, or of several that are combined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Protocol

from msgspec import Struct

from cx_context.parts.adding import keep_last, keep_latest, later_register
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import last_by_key, latest
from cx_context.parts.values import TEXT_KEPT, At, Register, shorten_name
from cx_context.sections.agents import id_and_name
from cx_context.sections.section import Section
from cx_events.envelope import Data
from cx_events.facts import Fact, Order
from cx_events.ids import handoff_id

ACCEPTANCES_KEPT = 16
DECLINES_KEPT = 32

Acceptance = tuple[At, str, str, str]
"""(at, the agent's id and name, the id of what was accepted or "")."""


class Fields(Struct):
    acceptances: Annotated[list[Acceptance], latest(ACCEPTANCES_KEPT)] = []
    """Who accepted what was passed on, the latest first. Of more the latest count."""
    declines: Annotated[dict[str, Register], last_by_key(DECLINES_KEPT)] = {}
    """[name, reason, the id of what was declined or ""] of each agent's last decline, by the agent's id."""


class Held(Protocol):
    """Has the fields of a part, or of a side, that these functions read."""

    agent: Register | None
    mentioned: Register | None
    transfer: Register | None
    queued_at: At | None
    assignment: Register | None
    acceptances: list[Acceptance]
    declines: dict[str, Register]


class Takeover(NamedTuple):
    """One thing that was passed on, and who accepted it. ``id``: of it, "" where nothing that was passed on is known.

    ``first``: the acceptance that counts. ``last``: the same agent's latest. ``later``: others' acceptances after it.
    """

    id: str
    first: Acceptance
    last: Acceptance
    later: Sequence[Acceptance]


def _accepted(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    id, name = id_and_name(data.agent)
    part.acceptances = keep_latest(part.acceptances, (at, id, name, _named_in(data)), ACCEPTANCES_KEPT)


def _declined(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    id, name = id_and_name(data.agent)
    key = shorten_name(id)
    part.declines[key] = later_register(part.declines.get(key), (at, [name, data.reason[:TEXT_KEPT], _named_in(data)]))
    keep_last(part.declines, DECLINES_KEPT)


def _named_in(data: Data) -> str:
    return data.handoff.id[:TEXT_KEPT] if data.handoff is not None else ""


def passed_on_at(part: Held) -> At | None:
    """Return when the contact was last passed on: by a request for a handoff, a transfer, an assignment or into a
    queue."""
    times = [register[0] for register in (part.transfer, part.assignment) if register is not None]
    return max(times if part.queued_at is None else [*times, part.queued_at], default=None)


def takeovers_of(part: Held) -> Mapping[str, Takeover]:
    """Return what was taken over, by the id of what was passed on.

    What was passed on last has its id also where acceptances don't name it. Acceptances before it that name nothing are
    of "" together: what they accepted is not kept, and the last one counts.
    """
    passed = passed_on_at(part)
    latest_id = handoff_id(passed[3], passed[4]) if passed is not None else ""
    groups: dict[str, list[Acceptance]] = {}
    for each in sorted(part.acceptances):
        at, agent, _, named = each
        declined = part.declines.get(shorten_name(agent))
        if declined is None or declined[0] < at:
            groups.setdefault(named or (latest_id if passed is not None and at > passed else ""), []).append(each)
    return {id: _takeover(id, accepted) for id, accepted in groups.items()}


def _takeover(id: str, accepted: Sequence[Acceptance]) -> Takeover:
    first = accepted[0] if id else accepted[-1]
    own = [each for each in accepted if each[1] == first[1]]
    return Takeover(id, first, own[-1], [each for each in accepted if each[1] != first[1] and each > first])


def acceptance_of(part: Held) -> Register | None:
    """Return the latest acceptance that counts, a register of [id, name]."""
    if not part.acceptances:
        return None
    last = max((each.last for each in takeovers_of(part).values()), default=None)
    return (last[0], [last[1], last[2]]) if last is not None else None


def agent_of(part: Held) -> Register | None:
    """Return who deals with a contact, a register of [id, name]: the agent named last.

    Whoever accepted too late deals with nothing, nor does who declined since. Whom only that names which
    tells about the contact, such as the wrap-up of who passed it on, deals with it where nobody else is named.
    """
    agent, accepted = part.agent, acceptance_of(part)
    if accepted is not None and (agent is None or accepted[0] > agent[0]):
        agent = accepted
    if agent is None and not part.acceptances:
        agent = part.mentioned
    if agent is None or not part.declines:
        return agent
    declined = part.declines.get(shorten_name(agent[1][0]))
    return agent if declined is None or declined[0] < agent[0] else None


def latest_agent(parts: Iterable[Part]) -> tuple[Order, Any] | None:
    """Return who deals with some contacts: [id, name] of the agent who was named last in any, and when."""
    agents = ((part, agent) for part in parts if (agent := agent_of(part)) is not None)
    return max(((order_of(part, agent[0]), agent[1]) for part, agent in agents), default=None)


SECTION = Section(
    handlers={
        "cx.handoff.accepted.v1": _accepted,
        "cx.handoff.declined.v1": _declined,
    },
)
"""Its fields are shown by ``agents`` and ``handoffs``."""

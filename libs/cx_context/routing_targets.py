"""Find the agents and queues that a live interaction concerns: who has it or was passed it, where it waits.

A pure function of a part (or of several, combined), so it is the same in any order of events. Of an endless interaction
the latest stretch counts.

- *agent*: who deals with it (the last one named; of several who accepted, the first), to whom it was offered, who was
  asked to take it over. Not who declined since.
- *queue*: where it waits. It does so until it is answered or accepted; to be queued, or passed on, again begins anew.
  What waits, or is passed on, by an event that names neither queue nor agent is in the queue ``unassigned``: whoever
  asks for somebody must be found. So is what was for one agent alone, who declined.

Assigned to an agent, it concerns that one, until somebody accepts a handoff of it; agents who were named before and the
queue in which it waited before it concerns no more. Unassigned, it is back in its queue.

An interaction that ended concerns nobody's desk but that of whom it was assigned to afterwards; one whose matter was
resolved concerns nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import compress
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import Struct

from cx_context.parts.adding import later, later_register
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import MERGE_RULES
from cx_context.parts.model import Part
from cx_context.parts.values import At, Register, shorten_name
from cx_context.sections.contact_state import conversation_state, is_live
from cx_context.sections.handoff_acceptances import Acceptance, acceptance_of, agent_of
from cx_events.directory import Kind
from cx_events.ids import text_of

UNASSIGNED = "unassigned"
"""The queue of what waits for somebody, nobody knows whom."""


class RoutingTarget(NamedTuple):
    """An agent or a queue, by id."""

    kind: Kind
    name: str


class Reason(NamedTuple):
    """Why an interaction concerns a desk: ``offered``, ``answered``, ``accepted``, ``assigned`` (by somebody, or an
    agent is named and nothing more is known), ``unassigned``, ``handoff``, ``transfer``, ``queued``; ``at``: what told
    so."""

    at: At
    why: str


_SUMMED = (
    "interaction", "agent", "mentioned", "queue", "queued_at", "offer", "answered_at", "acceptances", "declines",
    "transfer", "first", "end", "resumed_at", "customer_spoke_at", "reopened_at", "endless_since", "assignment",
)  # fmt: skip

_values_of = attrgetter(*_SUMMED)
_MERGES = tuple((name, MERGE_RULES[name].pair) for name in _SUMMED)


class SideState(Struct):
    """One stream's side of an interaction, as far as desks need it: the sum of its parts, each of which may be added
    again when it has grown.

    It is an index, so of an endless interaction it may say too much: a resolve that names another part id than that of
    the part that was active last may be of an older stretch, and does not count here.
    """

    interaction: str = ""
    agent: Register | None = None
    mentioned: Register | None = None
    queue: Register | None = None
    queued_at: At | None = None
    offer: Register | None = None
    answered_at: At | None = None
    acceptances: list[Acceptance] = []
    declines: dict[str, Register] = {}
    transfer: Register | None = None
    first: At | None = None
    end: Register | None = None
    resumed_at: At | None = None
    customer_spoke_at: At | None = None
    reopened_at: At | None = None
    endless_since: int | None = None
    assignment: Register | None = None
    latest: tuple[int, bytes] = (0, b"")
    resolves: dict[str, Register] = {}

    @classmethod
    def of(cls, parts: Iterable[KeyedPart]) -> SideState:
        side = cls()
        for anchored in parts:
            side.add(*anchored)
        return side

    def add(self, part_id: bytes, part: Part) -> None:
        values = _values_of(part)
        for (name, merge), value in zip(compress(_MERGES, values), filter(None, values), strict=True):
            known = getattr(self, name)
            setattr(self, name, merge(known, value) if known else value)
        if part.activity:
            self.latest = max(self.latest, (part.activity[-1], part_id))
        for resolution in (part.resolution, part.contact_resolution):
            if resolution is not None:
                about = part.about or ""
                self.resolves[about] = later_register(self.resolves.get(about), resolution)

    @property
    def contact_resolution(self) -> Register | None:
        """None: ``resolution`` is the later of both kinds, which are one for the contact itself."""
        return None

    @property
    def resolution(self) -> Register | None:
        if not self.resolves:
            return None
        latest = text_of(self.latest[1])
        counting = [
            resolve for about, resolve in self.resolves.items() if self.endless_since is None or about in ("", latest)
        ]
        return max(counting, key=lambda resolve: resolve[0], default=None)


RoutingState = tuple[Any, ...]
"""All of a part that its desks are made of: parts of equal matter concern the same desks, for the same reasons."""

NOBODYS: RoutingState = ()
"""Of what concerns no desk."""
_PASSED_ON = frozenset({"handoff", "transfer"})


def routing_state(part: Any) -> RoutingState:
    """Return what ``desks`` looks at. Asked twice for each side that a batch touches, so it does little."""
    assignment = part.assignment
    if not part.interaction or _is_resolved(part):
        return NOBODYS
    if not is_live(part):
        return (assignment,) if assignment is not None and assignment[1][0] and assignment[0] > part.end[0] else NOBODYS
    agent, queue, accepted = part.agent or part.mentioned, part.queue, None
    if part.acceptances or part.declines:
        agent, accepted = agent_of(part), acceptance_of(part)
    if agent is None and queue is None and part.offer is None and part.transfer is None and assignment is None:
        return NOBODYS
    return (
        assignment,
        agent[0] if agent is not None and assignment is not None else None,
        agent[1][0] if agent is not None else "",
        queue[1][0] if queue is not None else "",
        part.offer,
        part.answered_at,
        accepted,
        part.transfer,
        part.queued_at or (queue[0] if queue is not None else None),
        part.queued_at,
        part.first or (agent[0] if agent is not None else None),
        tuple((id, declined[0]) for id, declined in part.declines.items()) if part.declines else (),
    )


def _is_resolved(part: Any) -> bool:
    if part.resolution is None and part.contact_resolution is None:
        return False
    return conversation_state([part]) != "open"


_of_desks = attrgetter("agent", "mentioned", "queue", "offer", "transfer", "assignment", "acceptances", "declines")


def may_concern_desks(part: Part) -> bool:
    """Return whether a part names an agent or a queue, or passes the contact on. Where no part of a side does, its
    ``routing_state`` is ``NOBODYS``, whatever else they hold."""
    return any(_of_desks(part))


def routing_targets(part: Part | SideState) -> dict[RoutingTarget, Reason]:
    """Every desk that a live interaction concerns now, and why."""
    return targets_of(routing_state(part))


def targets_of(matter: RoutingState) -> dict[RoutingTarget, Reason]:
    """As ``routing_targets``, by the part's routing state."""
    if not matter:
        return {}
    assignment, *rest = matter
    if not rest:
        return {RoutingTarget("agent", assignment[1][0]): Reason(assignment[0], "assigned")}
    named, agent, queue, *unassigned, declined = rest
    if assignment is None:
        found = _targets(agent, queue, *unassigned)
    else:
        found = _targets_since(assignment[0], assignment[1][0], named, agent, queue, *unassigned)
    if declined:
        _leave_desks(found, dict(declined), agent, queue)
    return found


def _targets_since(
    at: At,
    to: str,
    named: At | None,
    agent: str,
    queue: str,
    offered: Register | None,
    answered: At | None,
    accepted: Register | None,
    passed: Register | None,
    waits: At,
    queued: At | None,
    first: At,
) -> dict[RoutingTarget, Reason]:
    """Return the targets of what was assigned to an agent, or to nobody (""), at a moment. What was before counts no
    more, but for the queue of what waits again."""
    taken = answered if accepted is None else later(answered, accepted[0])
    if accepted is not None and accepted[0] > at:
        return _targets(agent, queue, offered, answered, accepted, passed, waits, queued, first)
    into = queue or (passed[1][2] if passed is not None else "") or UNASSIGNED
    agent = agent if named is not None and named > at else ""
    offered = offered if _after(offered[0] if offered is not None else None, at) else None
    passed = passed if _after(passed[0] if passed is not None else None, at) else None
    queue = queue if _after(queued, at) else ""
    found = _targets(agent, queue, offered, answered, accepted, passed, waits, queued, first)
    if to:
        found[RoutingTarget("agent", to)] = Reason(at, "assigned")
    elif not agent and not _after(taken, at):
        found.setdefault(RoutingTarget("queue", into), Reason(at, "unassigned"))
    return found


def _targets(
    agent: str,
    queue: str,
    offered: Register | None,
    answered: At | None,
    accepted: Register | None,
    passed: Register | None,
    waits: At,
    queued: At | None,
    first: At,
) -> dict[RoutingTarget, Reason]:
    """Return the targets of what was assigned to nobody. ``waits``: since when it is in the queue, if in any."""
    found: dict[RoutingTarget, Reason] = {}
    taken: At | None = answered
    if accepted is not None:
        taken = later(taken, accepted[0])
    if agent:
        found[RoutingTarget("agent", agent)] = _dealing(agent, offered, answered, accepted, first)
    if offered is not None and (taken is None or offered[0] > taken):
        found.setdefault(RoutingTarget("agent", offered[1]), Reason(offered[0], "offered"))
    if queue and (taken is None or _after(queued, taken)):
        found[RoutingTarget("queue", queue)] = Reason(waits, "queued")
    if passed is not None and _after(passed[0], taken):
        at, (how, to, into) = passed
        if to:
            found[RoutingTarget("agent", to)] = Reason(at, how)
        if into or not to:
            found[RoutingTarget("queue", into or UNASSIGNED)] = Reason(at, how)
    return found


def _leave_desks(found: dict[RoutingTarget, Reason], declined: Mapping[str, At], agent: str, queue: str) -> None:
    """Take the contact off the desks of those who declined since it came there, in place.

    What waited on such a desk alone, or was passed on to it alone, waits in the contact's queue. ``agent``: who deals
    with it, ``agent_of``, which knows of the declines.
    """
    for target, reason in list(found.items()):
        at = declined.get(shorten_name(target.name)) if target.kind == "agent" and target.name != agent else None
        if at is not None and at > reason.at:
            del found[target]
            waits = not found or reason.why in _PASSED_ON
            if waits and not any(other.kind == "queue" for other in found):
                found[RoutingTarget("queue", queue or UNASSIGNED)] = reason


def _dealing(agent: str, offered: Register | None, answered: At | None, accepted: Register | None, first: At) -> Reason:
    """Return the last step that made a contact the last named agent's."""
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

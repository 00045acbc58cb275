"""Say whose id the name of an agent or a queue is: that of the event's source which named it last. Pure."""

from __future__ import annotations

from cx_context.parts.model import Part
from cx_context.parts.values import At, Register
from cx_context.routing_targets import RoutingTarget
from cx_context.sections.handoff_acceptances import acceptance_of


def source_of(part: Part, target: RoutingTarget) -> str:
    """Return the source of the event that named a routing target last; "" of one that no event names."""
    at: At | None = max((register[0] for register in _naming(part, target)), default=None)
    return at[3] if at is not None else ""


def _naming(part: Part, target: RoutingTarget) -> list[Register]:
    """Return the registers that name a routing target."""
    if target.kind == "agent":
        named = (part.agent, part.mentioned, part.assignment, acceptance_of(part))
        found = [each for each in named if each is not None and each[1][0] == target.name]
        found += [each for each in (part.offer,) if each is not None and each[1] == target.name]
        return found + [each for each in (part.transfer,) if each is not None and each[1][1] == target.name]
    found = [each for each in (part.queue,) if each is not None and each[1][0] == target.name]
    return found + [each for each in (part.transfer,) if each is not None and each[1][2] == target.name]

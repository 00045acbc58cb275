"""Who deals with a contact and where it waits: agents and queues, and what they are called.

An event that gives an id alone takes no known name away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_context.parts.values import Register
from cx_context.sections.rendering import Rendering
from cx_events.facts import Order
from cx_events.json_types import Json
from cx_events.timestamps import format_time

Names = Mapping[tuple[str, str], str]
"""Names by (kind, id), kind ``agent`` or ``queue``."""


def view(of: Rendering) -> Json | None:
    """Return ``last_agent``, the agent who was named last in any contact; None where none was."""
    latest = max(
        (
            (order_of(each.part, each.part.agent[0]), place, each)
            for place, each in enumerate(reversed(of.contacts))
            if each.part.agent is not None
        ),
        key=lambda one: one[:2],
        default=None,
    )
    if latest is None:
        return None
    order, _, contact = latest
    return {
        **(name_view("agent", contact.part.agent, names_of(each.part for each in of.contacts)) or {}),
        "channel": contact.part.channel[1] if contact.part.channel is not None else None,
        "interaction": contact.name,
        "time": format_time(order[0]),
    }


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


def name_view(kind: str, register: Register | tuple[Order, Any] | None, names: Names) -> dict[str, str] | None:
    """Return ``{id, name}`` of a register that holds [id, name]; None without one."""
    if register is None:
        return None
    id, name = register[1]
    return {"id": id, "name": name or names.get((kind, id), "")}

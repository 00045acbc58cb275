"""What agents and queues are called: an event that gives an id alone takes no known name away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cx_context.parts.model import Part, Register
from cx_context.threading.continuity_tokens import order_of
from cx_events.facts import Order

Names = Mapping[tuple[str, str], str]
"""By (kind, id), kind ``agent`` or ``queue``."""


def names_of(parts: Iterable[Part]) -> Names:
    """Return the last known name of each agent and queue in some parts."""
    found: dict[tuple[str, str], tuple[Order, str]] = {}
    for part in parts:
        for key, (at, name) in part.names.items():
            kind, _, id = key.partition("\n")
            order = order_of(part, at)
            if (kind, id) not in found or order > found[kind, id][0]:
                found[kind, id] = (order, name)
    return {key: name for key, (_, name) in found.items()}


def named(kind: str, register: Register | tuple[Order, Any] | None, names: Names) -> dict[str, str] | None:
    """Return ``{id, name}`` of a register that holds [id, name]; None without one."""
    if register is None:
        return None
    id, name = register[1]
    return {"id": id, "name": name or names.get((kind, id), "")}

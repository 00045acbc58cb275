"""Give parts and events their places: where a part is stored, where an event lies among all of its customer."""

from __future__ import annotations

from typing import NamedTuple

from cx_context.parts.model import Part
from cx_context.parts.values import At
from cx_events.facts import Order


class KeyedPart(NamedTuple):
    """A part and the part id that it is stored under: the id of a piece of one stream's side of one interaction."""

    part_id: bytes
    part: Part


def order_of(part: Part, at: At) -> Order:
    """Return an event's place within its customer, by its place within its interaction."""
    return (at[0], part.interaction, at[1], at[2], at[3], at[4])

"""The agent who was named last, in any contact."""

from __future__ import annotations

from cx_context.parts.places import order_of
from cx_context.sections.agents import name_view, names_of
from cx_context.sections.rendering import Rendering
from cx_context.sections.section import Section, made_of
from cx_context.sections.shapes import TEXT, TEXT_OR_NONE, TIME, members, or_none
from cx_context.threading.contact_model import Contact
from cx_events.facts import Order
from cx_events.json_types import Json
from cx_events.timestamps import format_time


def view(of: Rendering) -> Json | None:
    """Return ``last_agent``; None where no agent was named."""
    latest: tuple[Order, Contact] | None = None
    for each in of.contacts:
        if each.part.agent is not None:
            order = order_of(each.part, each.part.agent[0])
            if latest is None or order > latest[0]:
                latest = (order, each)
    if latest is None:
        return None
    order, contact = latest
    return {
        **(name_view("agent", contact.part.agent, names_of(each.part for each in of.contacts)) or {}),
        "channel": contact.part.channel[1] if contact.part.channel is not None else None,
        "interaction": contact.name,
        "time": format_time(order[0]),
    }


SECTION = Section(
    schema=or_none(
        members({"id": TEXT, "name": TEXT, "channel": TEXT_OR_NONE, "interaction": TEXT, "time": TIME}),
    ),
    provenance={
        ("last_agent",): made_of(
            "the agent named last in any interaction", "agent", "names", "channel", "interaction", "first"
        ),
    },
)

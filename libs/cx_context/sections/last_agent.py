"""Show the agent who was named last, in any contact."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.sections.agents import DEALING, name_view, names_of, naming_parts
from cx_context.sections.handoff_acceptances import agent_of
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Rendering
from cx_context.threading.contact_model import Contact
from cx_events.facts import Order
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TEXT_OR_NONE, TIME, named, or_none
from cx_events.timestamps import format_time


def view(of: Rendering) -> Json | None:
    """Return ``last_agent``; None where no agent was named."""
    latest = max((each for each in of.over_contacts(_latest_agent) if each is not None), default=None, key=_order_of)
    if latest is None:
        return None
    order, contact = latest
    names = names_of(chain.from_iterable(of.over_contacts(_naming)))
    return {
        **(name_view("agent", agent_of(contact.part), names) or {}),
        "channel": contact.part.channel[1] if contact.part.channel is not None else None,
        "interaction": contact.name,
        "time": format_time(order[0]),
    }


def _latest_agent(contacts: Sequence[Contact]) -> tuple[Order, Contact] | None:
    """Return the contact in which an agent was named last, after its place among the customer's events."""
    named = [(agent[0], each) for each in contacts if (agent := agent_of(each.part)) is not None]
    return max(((order_of(each.part, at), each) for at, each in named), default=None, key=_order_of)


def _order_of(latest: tuple[Order, Contact]) -> Order:
    return latest[0]


def _naming(contacts: Sequence[Contact]) -> list[Part]:
    return naming_parts([each.part for each in contacts])


SECTION = Section(
    schema=or_none(
        named("LastAgent", {"id": TEXT, "name": TEXT, "channel": TEXT_OR_NONE, "interaction": TEXT, "time": TIME}),
    ),
    provenance={
        ("last_agent",): made_of(
            "the agent named last in any interaction", *DEALING, "names", "channel", "interaction", "first"
        ),
    },
)

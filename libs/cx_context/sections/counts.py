"""How many events, messages, interactions and conversations there are.

Counted are the events that are neither decisions nor insights.
"""

from __future__ import annotations

from msgspec import Struct

from cx_context.parts.rules import Sum, SumByKey
from cx_context.sections.rendering import Rendering
from cx_context.sections.section import Section, made_of
from cx_context.sections.shapes import WHOLE, members, values
from cx_context.sections.threads import THREADING
from cx_events.json_types import Json


class Fields(Struct):
    events: Sum = 0
    messages: Sum = 0
    channels: SumByKey = {}
    """Counted events by channel."""


def view(of: Rendering) -> Json:
    """Return ``counts``."""
    by_channel: dict[str, int] = {}
    for part in of.parts:
        for channel, count in part.channels.items():
            by_channel[channel] = by_channel.get(channel, 0) + count
    return {
        "events": sum(part.events for part in of.parts),
        "messages": sum(part.messages for part in of.parts),
        "interactions": len({each.name for each in of.contacts}),
        "conversations": len(of.conversations),
        "by_channel": dict(sorted(by_channel.items())),
    }


SECTION = Section(
    schema=members(
        {
            "events": WHOLE,
            "messages": WHOLE,
            "interactions": WHOLE,
            "conversations": WHOLE,
            "by_channel": {**values(WHOLE), "description": "Events by channel."},
        }
    ),
    provenance={
        ("counts",): made_of("sums over all counted events", "events", "messages", "channels"),
        ("counts", "events"): made_of("the number of events, decisions and insights left out", "events", summed=True),
        ("counts", "messages"): made_of("the number of messages", "messages", summed=True),
        ("counts", "interactions"): made_of("the number of interactions with a counted event", "interaction", "first"),
        ("counts", "conversations"): made_of("the number of conversations", *THREADING, threaded=True),
        ("counts", "by_channel"): made_of("the number of events on each channel", "channels", summed=True),
    },
)

"""Count events, messages, interactions and conversations.

Counted are the events that are neither decisions nor insights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from cx_context.parts.model import Part
from cx_context.parts.rules import Sum, SumByKey
from cx_context.sections.join_fields import THREADING
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Rendering
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_context.threading.one_contact import count_of
from cx_events.json_types import Json
from cx_events.schema_shapes import WHOLE, named, values


class Fields(Struct):
    events: Sum = 0
    messages: Sum = 0
    channels: SumByKey = {}
    """Counted events by channel."""


def view(of: Rendering) -> Json:
    """Return ``counts``."""
    sums = of.over_parts(_sums)
    by_channel: dict[str, int] = {}
    for each in sums:
        for channel, count in each.channels.items():
            by_channel[channel] = by_channel.get(channel, 0) + count
    return {
        "events": sum(each.events for each in sums),
        "messages": sum(each.messages for each in sums),
        "interactions": sum(of.over_contacts(_interactions)) - _told_again(of.conversations),
        "conversations": len(of.conversations),
        "by_channel": dict(sorted(by_channel.items())),
    }


class _Sums(NamedTuple):
    events: int
    messages: int
    channels: Mapping[str, int]


def _sums(parts: Sequence[Part]) -> _Sums:
    by_channel: dict[str, int] = {}
    for part in parts:
        for channel, count in part.channels.items():
            by_channel[channel] = by_channel.get(channel, 0) + count
    return _Sums(sum(part.events for part in parts), sum(part.messages for part in parts), by_channel)


def _interactions(contacts: Sequence[Contact]) -> int:
    return len({each.name for each in contacts})


def _told_again(conversations: Sequence[Conversation]) -> int:
    """Return how many interactions are told of by another system as well, once for each."""
    return sum(len(each.members) - count_of(each.members) for each in conversations)


SECTION = Section(
    schema=named(
        "Counts",
        {
            "events": WHOLE,
            "messages": WHOLE,
            "interactions": WHOLE,
            "conversations": WHOLE,
            "by_channel": {**values(WHOLE), "description": "Events by channel."},
        },
    ),
    provenance={
        ("counts",): made_of("sums over all counted events", "events", "messages", "channels"),
        ("counts", "events"): made_of("the number of events, decisions and insights left out", "events", summed=True),
        ("counts", "messages"): made_of("the number of messages", "messages", summed=True),
        ("counts", "interactions"): made_of(
            "the number of interactions with a counted event, of those that are one contact one",
            "interaction", "first", *THREADING, threaded=True,
        ),
        ("counts", "conversations"): made_of("the number of conversations", *THREADING, threaded=True),
        ("counts", "by_channel"): made_of("the number of events on each channel", "channels", summed=True),
    },
)  # fmt: skip

"""How many events, messages, interactions and conversations there are."""

from __future__ import annotations

from cx_context.sections.rendering import Rendering
from cx_events.json_types import Json


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

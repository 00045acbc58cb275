"""What bots did in a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_context.sections.registers import latest_by_key
from cx_events.json_types import Json
from cx_events.timestamps import format_time

TURNS_SHOWN = 6


def bot_view(parts: Sequence[Part]) -> Json | None:
    """Return the latest turns of bots, oldest first, and all that they learned; None where no bot took part."""
    turns = sorted((order_of(part, at), intent, text) for part in parts for at, intent, text in part.turns)
    slots = latest_by_key(parts, "slots")
    if not turns and not slots:
        return None
    return {
        "trail": [
            {"time": format_time(order[0]), "intent": intent or None, "text": text or None}
            for order, intent, text in turns[-TURNS_SHOWN:]
        ],
        "slots": slots,
    }

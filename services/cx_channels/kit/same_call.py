"""Name a call as another system knows it."""

from __future__ import annotations

from cx_channels.kit.ids import is_plain
from cx_channels.kit.json_values import text
from cx_events.envelope import Reference

_OF_CORRELATIONS = "declared/"
"""Begins what the hub itself works out (``cx_channels.correlations``)."""


def same_call(id: object) -> list[Reference]:
    """Return the reference by which a call says the other system's id of it; nothing for what is no such id.

    Whoever places a call may have written it, so no proof passes from one call to the other (decision 0090).
    """
    value = text(id).strip()
    if not is_plain(value) or value.startswith(_OF_CORRELATIONS):
        return []
    return [Reference(kind="same-call", value=value)]

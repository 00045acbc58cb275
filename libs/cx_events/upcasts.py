"""Read old versions of event types as the current one.

An upcast is a pure function of the event as a plain dict, one per version. There is none while every type is at its
first version (see CONTRIBUTING.md on adding one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Upcast = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS: Mapping[str, Upcast] = MappingProxyType({})
"""By the old type (``cx.message.received.v1``), the function that makes the next version of it."""


def find_upcast(event_type: str, steps: Mapping[str, Upcast] = UPCASTS) -> Upcast | None:
    """Return the function that brings a type to its current version; None if it is current (one look-up)."""
    if event_type not in steps:
        return None

    def run(event: dict[str, Any]) -> dict[str, Any]:
        seen = set()
        while event["type"] in steps:
            if event["type"] in seen:
                raise ValueError(f"the upcast of {event['type']} does not change the type")
            seen.add(event["type"])
            event = steps[event["type"]](event)
        return event

    return run

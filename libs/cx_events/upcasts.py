"""Old versions of event types, read as the current one.

An upcast is a pure function of the event as a plain dict; one step a version. None is needed while every type is at its
first version; the shape is fixed here so that the first one is a three-line change (see CONTRIBUTING.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Upcast = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS: Mapping[str, Upcast] = MappingProxyType({})
"""From the type that is read (``cx.message.received.v1``) to the function that makes it the next version."""


def find_upcast(event_type: str, steps: Mapping[str, Upcast] = UPCASTS) -> Upcast | None:
    """The function that brings a type to its current version, or None if it is current (which costs one look-up)."""
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

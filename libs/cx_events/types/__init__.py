"""The event types, a file per family, each with ``TYPES``; ``story`` holds what their examples have in common."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from cx_events.catalogue import EventType

FAMILIES = (
    "interaction",
    "message",
    "call",
    "bot",
    "social",
    "conversation",
    "handoff",
    "identity",
    "consent",
    "preference",
    "survey",
    "insight",
    "customer",
)


def all_types() -> Iterable[EventType]:
    for family in FAMILIES:
        yield from import_module(f"cx_events.types.{family}").TYPES

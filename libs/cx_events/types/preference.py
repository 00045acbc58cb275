"""Declare events of the customer's preferences."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_BY_MAIL, told

TYPES = (
    EventType(
        name="cx.preference.changed.v1",
        scope="events:write",
        summary="The customer set preferences, such as a language or a channel.",
        needs=("preferences",),
        example=told(
            "cx.preference.changed.v1",
            "preference-5",
            "10:25:30",
            "web",
            channel="web",
            participants=[ANA_BY_MAIL],
            preferences={"language": "en", "contact_by": "email", "call_after": "17:00"},
        ),
    ),
)

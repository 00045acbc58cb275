"""Declare events of the customer's consents."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_BY_MAIL, told

TYPES = (
    EventType(
        name="cx.consent.changed.v1",
        scope="events:write",
        summary="The customer gave or took back consent to a purpose, on one channel or on all.",
        needs=("consent",),
        example=told(
            "cx.consent.changed.v1",
            "consent-12",
            "10:25:00",
            "web",
            channel="web",
            participants=[ANA_BY_MAIL],
            consent={"purpose": "marketing", "channel": "email", "granted": False},
        ),
    ),
)

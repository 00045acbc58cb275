"""Declare findings of models. A finding is recorded with its producer and version, so that a replay needs no model."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_IN_CHAT, in_chat

TYPES = (
    EventType(
        name="cx.insight.found.v1",
        scope="events:write",
        kind="insight",
        summary="A model found a sentiment (from -1 to 1), a topic, an intent or a summary of a message or a contact.",
        needs=("insight",),
        example=in_chat(
            "cx.insight.found.v1",
            "insight-m-1",
            "10:02:12",
            participants=[ANA_IN_CHAT],
            references=[{"kind": "message", "value": "m-1"}],
            insight={
                "producer": "acme-sentiment",
                "version": "3.1",
                "sentiment": -0.6,
                "topic": "billing",
                "intent": "double_charge",
                "summary": "Ana was charged twice for order 4711.",
            },
        ),
    ),
)

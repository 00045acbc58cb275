"""Declare events that pass a customer on with everything that the next one needs."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_IN_CHAT, BEN, BILLING, in_chat

TYPES = (
    EventType(
        name="cx.handoff.requested.v1",
        scope="conversations:write",
        summary="A bot or an agent asks somebody else to go on; the packet holds what is known so far.",
        needs=("interaction|conversation.id",),
        example=in_chat(
            "cx.handoff.requested.v1",
            "handoff-1",
            "10:03:20",
            participants=[ANA_IN_CHAT],
            handoff={
                "to": "billing",
                "queue": BILLING,
                "packet": {
                    "summary": "Ana was charged twice for order 4711",
                    "tried": ["checked the order"],
                    "slots": {"order": "4711", "amount": "49.90 EUR"},
                    "open_questions": ["which card was charged"],
                },
            },
        ),
    ),
    EventType(
        name="cx.handoff.accepted.v1",
        scope="conversations:write",
        summary="Somebody took over; of several who accept one request the first counts.",
        needs=("interaction|conversation.id",),
        example=in_chat("cx.handoff.accepted.v1", "handoff-1-accepted", "10:03:50", agent=BEN, queue=BILLING),
    ),
    EventType(
        name="cx.handoff.declined.v1",
        scope="conversations:write",
        summary="Somebody won't take over: the request goes on waiting, and is off their desk.",
        needs=("agent", "interaction|conversation.id"),
        example=in_chat(
            "cx.handoff.declined.v1", "handoff-1-declined", "10:03:40", agent=BEN, reason="I have three calls on hold"
        ),
    ),
    EventType(
        name="cx.handoff.context_shown.v1",
        scope="conversations:write",
        summary="The customer's context was shown to the one who took over, so nobody had to ask again.",
        needs=("interaction|conversation.id",),
        example=in_chat("cx.handoff.context_shown.v1", "handoff-1-shown", "10:03:51", agent=BEN),
    ),
)

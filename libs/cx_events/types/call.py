"""Declare events inside a call: keys, menu steps, recordings, transcripts."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_ON_THE_PHONE, on_the_phone

TYPES = (
    EventType(
        name="cx.call.dtmf.v1",
        scope="events:write",
        summary="The customer pressed keys.",
        needs=("digits",),
        example=on_the_phone(
            "cx.call.dtmf.v1",
            "call-4711-keys-1",
            "10:12:20",
            direction="inbound",
            participants=[ANA_ON_THE_PHONE],
            digits="2",
            step="main-menu",
        ),
    ),
    EventType(
        name="cx.call.ivr_step.v1",
        scope="events:write",
        summary="The call reached a step of the voice menu.",
        needs=("step",),
        example=on_the_phone("cx.call.ivr_step.v1", "call-4711-step-2", "10:12:22", step="billing-menu"),
    ),
    EventType(
        name="cx.call.recording.v1",
        scope="events:write",
        summary="A recording of the call began, ended or became available.",
        needs=("recording",),
        example=on_the_phone(
            "cx.call.recording.v1",
            "call-4711-recording",
            "10:21:30",
            recording={
                "id": "RE00000000000000000000000000004711",
                "url": "https://calls.acme.example/recordings/RE00000000000000000000000000004711",
                "duration_ms": 468000,
                "channels": 2,
                "status": "completed",
            },
        ),
    ),
    EventType(
        name="cx.call.transcript.v1",
        scope="events:write",
        summary="What was said in the call, or in a piece of it.",
        needs=("transcript",),
        example=on_the_phone(
            "cx.call.transcript.v1",
            "call-4711-transcript",
            "10:22:00",
            participants=[ANA_ON_THE_PHONE],
            transcript=[
                {"role": "agent", "text": "Billing, this is Ben.", "at": "2026-11-22T10:13:12Z"},
                {
                    "role": "customer",
                    "text": "I wrote in the chat already: you charged me twice.",
                    "at": "2026-11-22T10:13:16Z",
                    "sentiment": -0.6,
                },
                {"role": "agent", "text": "I see it here, order 4711.", "at": "2026-11-22T10:13:25Z"},
            ],
        ),
    ),
)

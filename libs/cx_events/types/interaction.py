"""Declare events of one contact on one channel, from its first sign to its end."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import (
    ANA_IN_CHAT,
    ANA_ON_THE_PHONE,
    BEN,
    BEN_TAKES_PART,
    BILLING,
    ORDER,
    in_chat,
    on_the_phone,
)

TYPES = (
    EventType(
        name="cx.interaction.started.v1",
        scope="events:write",
        summary="A contact began: a call came in, a chat was opened, a mail thread or a post was begun.",
        needs=("interaction",),
        example=on_the_phone(
            "cx.interaction.started.v1",
            "call-4711-started",
            "10:12:00",
            direction="inbound",
            participants=[ANA_ON_THE_PHONE],
            references=[ORDER],
        ),
    ),
    EventType(
        name="cx.interaction.queued.v1",
        scope="events:write",
        summary="The contact waits in a queue for somebody to take it; again where its place there has changed.",
        needs=("interaction",),
        example=on_the_phone(
            "cx.interaction.queued.v1",
            "call-4711-queued",
            "10:12:40",
            queue=BILLING,
            reason="billing question",
            waiting={"position": 2, "about_s": 60},
        ),
    ),
    EventType(
        name="cx.interaction.routed.v1",
        scope="events:write",
        summary="The contact was offered to an agent or sent to a queue by a routing rule.",
        needs=("interaction",),
        example=on_the_phone(
            "cx.interaction.routed.v1", "call-4711-routed", "10:13:05", queue=BILLING, agent=BEN, reason="longest idle"
        ),
    ),
    EventType(
        name="cx.interaction.answered.v1",
        scope="events:write",
        summary="Somebody took the contact: an agent, a bot, or an answering machine.",
        needs=("interaction",),
        example=on_the_phone(
            "cx.interaction.answered.v1",
            "call-4711-answered",
            "10:13:12",
            agent=BEN,
            queue=BILLING,
            participants=[ANA_ON_THE_PHONE, BEN_TAKES_PART],
            answered_by="human",
        ),
    ),
    EventType(
        name="cx.interaction.held.v1",
        scope="events:write",
        summary="The customer was put on hold.",
        needs=("interaction",),
        example=on_the_phone(
            "cx.interaction.held.v1", "call-4711-held", "10:15:00", agent=BEN, reason="asks the payments team"
        ),
    ),
    EventType(
        name="cx.interaction.resumed.v1",
        scope="events:write",
        summary="The contact went on after a hold or after it had ended.",
        needs=("interaction",),
        example=on_the_phone("cx.interaction.resumed.v1", "call-4711-resumed", "10:16:20", agent=BEN),
    ),
    EventType(
        name="cx.interaction.transferred.v1",
        scope="events:write",
        summary="The contact was passed on to another agent, queue or number.",
        needs=("interaction",),
        example=in_chat(
            "cx.interaction.transferred.v1",
            "chat-42-transferred",
            "10:03:30",
            transfer={"to": "billing", "kind": "blind", "queue": BILLING},
            reason="the bot can't refund",
        ),
    ),
    EventType(
        name="cx.interaction.abandoned.v1",
        scope="events:write",
        summary="The customer gave up before anybody answered.",
        needs=("interaction",),
        example=in_chat(
            "cx.interaction.abandoned.v1",
            "chat-42-abandoned",
            "10:08:00",
            participants=[ANA_IN_CHAT],
            queue=BILLING,
            reason="customer left the queue",
            duration_ms=270000,
        ),
    ),
    EventType(
        name="cx.interaction.ended.v1",
        scope="events:write",
        summary="The contact is over; later events of it do not reopen it, unless one resumes it.",
        needs=("interaction",),
        example=on_the_phone(
            "cx.interaction.ended.v1",
            "call-4711-ended",
            "10:21:00",
            agent=BEN,
            reason="customer hung up",
            duration_ms=540000,
        ),
    ),
)

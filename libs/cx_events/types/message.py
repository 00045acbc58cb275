"""Declare events of written words, on any channel, and of what became of them."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import (
    ANA_BY_MAIL,
    ANA_IN_CHAT,
    BEN,
    BEN_TAKES_PART,
    MAIL,
    ORDER,
    in_chat,
    told,
)

_ANA_ASKS = {"id": "m-1", "text": "I was charged twice", "content_type": "text/plain", "language": "en"}
_BEN_ANSWERS = {
    "id": "m-2",
    "text": "Sorry to hear that, Ana. I am looking into order 4711.",
    "content_type": "text/plain",
    "in_reply_to": "m-1",
}

TYPES = (
    EventType(
        name="cx.message.received.v1",
        scope="events:write",
        summary="The customer wrote something.",
        needs=("message",),
        example=in_chat(
            "cx.message.received.v1",
            "m-1",
            "10:02:11",
            direction="inbound",
            participants=[ANA_IN_CHAT],
            references=[ORDER],
            message=_ANA_ASKS,
        ),
    ),
    EventType(
        name="cx.message.sent.v1",
        scope="events:write",
        summary="An agent, a bot or a system wrote to the customer.",
        needs=("message",),
        example=in_chat(
            "cx.message.sent.v1",
            "m-2",
            "10:04:02",
            direction="outbound",
            participants=[BEN_TAKES_PART, ANA_IN_CHAT],
            agent=BEN,
            message=_BEN_ANSWERS,
        ),
    ),
    EventType(
        name="cx.message.delivered.v1",
        scope="events:write",
        summary="A message reached the other side: the one named, or without one all up to this moment.",
        needs=("interaction|message.id",),
        example=in_chat(
            "cx.message.delivered.v1", "m-2-delivered", "10:04:03", direction="outbound", message={"id": "m-2"}
        ),
    ),
    EventType(
        name="cx.message.read.v1",
        scope="events:write",
        summary="A message was read: the one named, or without one all up to this moment.",
        needs=("interaction|message.id",),
        example=in_chat("cx.message.read.v1", "chat-42-read-100410", "10:04:10", participants=[ANA_IN_CHAT]),
    ),
    EventType(
        name="cx.message.failed.v1",
        scope="events:write",
        summary="A message could not be delivered.",
        needs=("interaction|message.id",),
        example=told(
            "cx.message.failed.v1",
            "mail-4711-bounce",
            "11:31:20",
            "mail",
            channel="email",
            interaction=MAIL,
            direction="outbound",
            participants=[ANA_BY_MAIL],
            message={"id": "answer-4711@acme.example"},
            failure={"code": "4.2.2", "message": "mailbox full"},
        ),
    ),
    EventType(
        name="cx.message.edited.v1",
        scope="events:write",
        summary="A message was changed by its author; `message` holds the new words under the old id.",
        needs=("message.id|references",),
        example=in_chat(
            "cx.message.edited.v1",
            "m-1-edit-1",
            "10:02:40",
            direction="inbound",
            participants=[ANA_IN_CHAT],
            message={**_ANA_ASKS, "text": "I was charged twice for order 4711"},
        ),
    ),
    EventType(
        name="cx.message.deleted.v1",
        scope="events:write",
        summary="A message was taken back by its author or removed by a moderator.",
        needs=("message.id|references",),
        example=in_chat(
            "cx.message.deleted.v1", "m-3-deleted", "10:05:00", participants=[ANA_IN_CHAT], message={"id": "m-3"}
        ),
    ),
    EventType(
        name="cx.message.reacted.v1",
        scope="events:write",
        summary="Somebody reacted to a message, or took the reaction back.",
        needs=("message.id|references",),
        example=in_chat(
            "cx.message.reacted.v1",
            "m-2-reaction-ana",
            "10:04:20",
            direction="inbound",
            participants=[ANA_IN_CHAT],
            message={"id": "m-2"},
            reaction="👍",
        ),
    ),
)

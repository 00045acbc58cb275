"""Agents' decisions about a conversation, which is named by one of its interactions or one of its part ids."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import CALL, CALL_THREAD, CHAT, CHAT_THREAD, CONTINUATION, decided, told

_THREAD = "interaction|conversation.id"

TYPES = (
    EventType(
        name="cx.conversation.linked.v1",
        scope="conversations:write",
        kind="decision",
        summary="Two threads are about the same matter and are one from now on.",
        needs=("conversation.other", _THREAD),
        example=decided(
            "cx.conversation.linked.v1",
            "desk-link-1",
            "10:14:00",
            CHAT,
            conversation={"id": CHAT_THREAD, "other": CALL_THREAD},
            reason="the call is about the same double charge",
        ),
    ),
    EventType(
        name="cx.conversation.split.v1",
        scope="conversations:write",
        kind="decision",
        summary="An interaction is a matter of its own and leaves its thread.",
        needs=(_THREAD,),
        example=decided(
            "cx.conversation.split.v1",
            "desk-split-1",
            "10:30:00",
            CALL,
            conversation={"id": CALL_THREAD},
            reason="the call was about another invoice",
        ),
    ),
    EventType(
        name="cx.conversation.topic.v1",
        scope="conversations:write",
        kind="decision",
        summary="Somebody said what the thread is about.",
        needs=("topic", _THREAD),
        example=decided("cx.conversation.topic.v1", "desk-topic-1", "10:14:30", CHAT, topic="billing"),
    ),
    EventType(
        name="cx.conversation.note.v1",
        scope="conversations:write",
        kind="decision",
        summary="An agent wrote a note for colleagues.",
        needs=("note", _THREAD),
        example=decided(
            "cx.conversation.note.v1",
            "desk-note-1",
            "10:20:00",
            CALL,
            note="Payments team confirms the double charge; refund 49.90 EUR promised for today.",
        ),
    ),
    EventType(
        name="cx.conversation.disposition.v1",
        scope="conversations:write",
        kind="decision",
        summary="An agent classified how a contact went when wrapping it up.",
        needs=("disposition", _THREAD),
        example=decided(
            "cx.conversation.disposition.v1",
            "desk-disposition-1",
            "10:21:40",
            CALL,
            disposition="refund promised",
        ),
    ),
    EventType(
        name="cx.conversation.resolved.v1",
        scope="conversations:write",
        kind="decision",
        summary="The matter is settled, until the customer writes or calls about it again.",
        needs=(_THREAD,),
        example=decided(
            "cx.conversation.resolved.v1",
            "desk-resolved-1",
            "12:05:00",
            CHAT,
            reason="refund arrived",
        ),
    ),
    EventType(
        name="cx.conversation.reopened.v1",
        scope="conversations:write",
        kind="decision",
        summary="A settled matter is open again.",
        needs=(_THREAD,),
        example=decided(
            "cx.conversation.reopened.v1",
            "desk-reopened-1",
            "15:00:00",
            CHAT,
            reason="only half of the sum arrived",
        ),
    ),
    EventType(
        name="cx.conversation.imported.v1",
        scope="events:write",
        kind="decision",
        summary="A thread came as a vCon: `raw` keeps the container, or a piece of it that is no other event.",
        needs=(_THREAD,),
        example=told(
            "cx.conversation.imported.v1",
            "vcon-4711",
            "10:40:00",
            "recorder",
            interaction=CALL,
            references=[{"kind": "thread", "value": "vcon:0198c1a2-5b6e-8f00-9a3b-1c2d3e4f5a6b"}],
        ),
    ),
    EventType(
        name="cx.conversation.token_issued.v1",
        scope="conversations:write",
        kind="decision",
        summary="A customer was given a code, an address or a link to go on with the thread elsewhere.",
        needs=("token.id", _THREAD),
        example=told(
            "cx.conversation.token_issued.v1",
            CONTINUATION,
            "10:07:00",
            "desk",
            interaction=CHAT,
            conversation={"id": CHAT_THREAD},
            token={"id": CONTINUATION, "lifetime_s": 86400},
        ),
    ),
    EventType(
        name="cx.conversation.token_redeemed.v1",
        scope="conversations:write",
        kind="decision",
        summary="A contact presented a continuity token, so it goes on with that thread.",
        needs=("references", _THREAD),
        example=told(
            "cx.conversation.token_redeemed.v1",
            "ivr-continue-1",
            "10:12:30",
            "calls",
            interaction=CALL,
            conversation={"id": CHAT_THREAD},
            references=[{"kind": "token", "value": CONTINUATION}],
        ),
    ),
)

"""Declare bots' events: turns, intents, slots, asking for a person. A bot in a chat or call names that interaction."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_IN_CHAT, BOT_TAKES_PART, in_chat

TYPES = (
    EventType(
        name="cx.bot.turn.v1",
        scope="events:write",
        summary="The bot said something, with what it had understood.",
        needs=("bot",),
        example=in_chat(
            "cx.bot.turn.v1",
            "bot-turn-1",
            "10:02:13",
            direction="outbound",
            participants=[BOT_TAKES_PART, ANA_IN_CHAT],
            bot={
                "intent": "double_charge",
                "slots": {"order": "4711"},
                "text": "I can help with that. Which order is it?",
                "confidence": 0.91,
            },
        ),
    ),
    EventType(
        name="cx.bot.intent.v1",
        scope="events:write",
        summary="The bot found out what the customer wants.",
        needs=("bot",),
        example=in_chat(
            "cx.bot.intent.v1",
            "bot-intent-1",
            "10:02:12",
            participants=[ANA_IN_CHAT],
            bot={"intent": "double_charge", "confidence": 0.91},
        ),
    ),
    EventType(
        name="cx.bot.slot.v1",
        scope="events:write",
        summary="The bot learned values that the customer need not be asked for again.",
        needs=("bot",),
        example=in_chat(
            "cx.bot.slot.v1",
            "bot-slot-1",
            "10:02:45",
            participants=[ANA_IN_CHAT],
            bot={"slots": {"order": "4711", "amount": "49.90 EUR"}},
        ),
    ),
    EventType(
        name="cx.bot.handoff_asked.v1",
        scope="events:write",
        summary="The customer or the bot asked for a person.",
        needs=("interaction",),
        example=in_chat(
            "cx.bot.handoff_asked.v1",
            "bot-handoff-1",
            "10:03:10",
            participants=[ANA_IN_CHAT],
            bot={"intent": "double_charge", "slots": {"order": "4711"}},
            reason="refunds need a person",
        ),
    ),
)

"""Tell which events are activity in a contact, and which piece of its interaction an event belongs to.

*Activity* is what people and bots do in a contact: write, call, press keys, wait, answer, leave. Later reports
(receipts, edits, recordings, transcripts, surveys, insights) and decisions are not activity.
"""

from __future__ import annotations

from functools import lru_cache

from cx_events.envelope import Event
from cx_events.timestamps import Micros
from cx_events.weights import CLAIMED, WEIGHT_RANKS

ACTIVITY_TYPES = frozenset(
    {
        "cx.message.received.v1",
        "cx.message.sent.v1",
        "cx.social.mention.v1",
        "cx.social.post.v1",
        "cx.social.comment.v1",
        "cx.social.review.v1",
        "cx.interaction.started.v1",
        "cx.interaction.queued.v1",
        "cx.interaction.routed.v1",
        "cx.interaction.answered.v1",
        "cx.interaction.held.v1",
        "cx.interaction.resumed.v1",
        "cx.interaction.transferred.v1",
        "cx.interaction.abandoned.v1",
        "cx.interaction.ended.v1",
        "cx.call.dtmf.v1",
        "cx.call.ivr_step.v1",
        "cx.bot.turn.v1",
        "cx.bot.intent.v1",
        "cx.bot.slot.v1",
        "cx.bot.handoff_asked.v1",
    }
)
"""The event types that are activity."""

WRITTEN_TYPES = frozenset({"cx.message.received.v1", "cx.message.sent.v1"})
"""The event types of messages that people write to each other."""

ENDLESS_CHANNELS = frozenset({"social", "sms"})
"""Channels where everything a person ever writes is one interaction: Messenger, Instagram, WhatsApp, SMS."""

HOUR: Micros = 3_600_000_000
SECOND: Micros = 1_000_000


def is_endless(event: Event) -> bool:
    """Return whether the event shows that its interaction never ends: a message on a channel of endless threads."""
    return event.type in WRITTEN_TYPES and event.data.channel in ENDLESS_CHANNELS


def needs_own_part(event: Event) -> bool:
    """Return whether an event is folded into a part of its own, because its exact time counts.

    These are people's decisions about a contact, insights that a conversation shows (a topic or a summary), and, on a
    channel of endless threads, events with references that are not activity.
    """
    if _is_decision(event.type):
        return True
    data = event.data
    if data.insight is not None and (data.insight.topic or data.insight.summary) and event.type not in ACTIVITY_TYPES:
        return True
    return bool(data.references) and data.channel in ENDLESS_CHANNELS and event.type not in ACTIVITY_TYPES


@lru_cache(1024)
def _is_decision(event_type: str) -> bool:
    return event_type.startswith(("cx.conversation.", "cx.handoff."))


def hour_piece(effective: Micros, weight: int) -> bytes:
    """Return the piece of its interaction that an event belongs to which has no part of its own.

    It is the hour of the effective time (UTC) in 8 bytes, followed by one byte for the weight (``Fact.weight``) unless
    that is a claim. (An event with a part of its own has its 16-byte key instead.)
    """
    return (effective // HOUR).to_bytes(8, "big", signed=True) + weight_suffix(weight)


def weight_suffix(weight: int) -> bytes:
    """Return the byte that tells pieces of different weights apart; nothing for a claim."""
    return b"" if weight == _CLAIMED else bytes((weight,))


_CLAIMED = WEIGHT_RANKS[CLAIMED]

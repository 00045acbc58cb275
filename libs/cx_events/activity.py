"""What counts as activity in a contact, and which piece of its interaction an event belongs to.

*Activity* is what people and bots do in a contact: they write, call, press keys, wait, answer, leave. It is not what is
reported afterwards (receipts, edits, recordings, transcripts, surveys, insights), nor what somebody decides.
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
"""The event types that are activity. All others are not."""

WRITTEN_TYPES = frozenset({"cx.message.received.v1", "cx.message.sent.v1"})
"""The event types by which people write to each other."""

ENDLESS_CHANNELS = frozenset({"social", "sms"})
"""Channels on which all that one person ever writes is one interaction: Messenger, Instagram, WhatsApp, SMS."""

HOUR: Micros = 3_600_000_000
SECOND: Micros = 1_000_000


def is_endless(event: Event) -> bool:
    """Whether this event shows that its interaction never ends: somebody writes on a channel of such threads."""
    return event.type in WRITTEN_TYPES and event.data.channel in ENDLESS_CHANNELS


def needs_own_part(event: Event) -> bool:
    """Whether an event is a piece of its own, because its exact time counts.

    That is what people decide about a contact, what an insight says that a conversation shows, and on a channel of
    endless threads whatever names a reference without being activity.
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


def piece_of(event: Event, effective: Micros, key: bytes, weight: int) -> bytes:
    """Return the piece of its interaction that an event belongs to.

    That is the hour of its effective time (UTC), in 8 bytes, and the weight by which it is at stream where it lies
    (``Fact.weight``), in one more unless it is a claim; or where it stands alone its own ``key``, in 16.
    """
    if needs_own_part(event):
        return key
    return (effective // HOUR).to_bytes(8, "big", signed=True) + weight_suffix(weight)


def weight_suffix(weight: int) -> bytes:
    """Return what tells pieces of different weight apart; nothing of a claim."""
    return b"" if weight == _CLAIMED else bytes((weight,))


_CLAIMED = WEIGHT_RANKS[CLAIMED]

"""Fold what joins contacts into conversations: when each was active, what it refers to, what people decided."""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from cx_context.parts.adding import keep_first, keep_first_of_second
from cx_context.parts.model import Part
from cx_context.parts.rules import (
    FirstAt,
    FirstOfEachSecond,
    LastAt,
    LastAtByKey,
    LastValue,
    LeastOrNone,
    first_by_key,
)
from cx_context.parts.values import At, hash_name, shorten_name
from cx_context.sections.section import Section
from cx_events.activity import is_endless
from cx_events.envelope import Data
from cx_events.facts import Fact
from cx_events.timestamps import Micros

MESSAGE_TIMES_KEPT = 256
"""Messages of one hour of an endless interaction that others can be seen to quote: of more the first count."""

THREADING = frozenset(
    {
        "interaction", "about", "first_recorded", "first", "since", "activity", "endless_since", "references",
        "message_times", "quote_times", "topics", "links", "split_at", "resolution", "reopened_at", "tokens",
        "token_uses", "channel", "channels", "undone",
    }
)  # fmt: skip
"""The fields that decide which contacts there are, which of them are one conversation, and under which id."""


class Fields(Struct):
    first: FirstAt = None
    """The first counted event that happened in the contact."""
    last: LastAt = None
    """The last one."""
    channel: LastValue = None
    activity: FirstOfEachSecond = []
    """When there was activity, in µs, in order: of each second the first time."""
    endless_since: LeastOrNone = None
    """Since when the interaction is known never to end."""
    message_times: Annotated[dict[str, int], first_by_key(MESSAGE_TIMES_KEPT)] = {}
    """In an endless interaction when each message was first written, by a hash of its id."""
    quote_times: Annotated[dict[str, int], first_by_key(MESSAGE_TIMES_KEPT)] = {}
    """In an endless interaction when each message was first quoted, by its id."""
    links: LastAtByKey = {}
    """When a person linked it to another contact or conversation, by that one's name or id."""
    split_at: LastAt = None


def note_event(part: Part, channel: str | None, at: At) -> None:
    """Note that a counted event happened in the contact, and on which channel."""
    if channel is not None and (part.channel is None or at > part.channel[0]):
        part.channel = (at, channel)
    if part.first is None or at < part.first:
        part.first = at
    if part.last is None or at > part.last:
        part.last = at


def note_activity(part: Part, fact: Fact) -> None:
    """Note that somebody acted in the contact."""
    time = fact.effective
    keep_first_of_second(part.activity, time)
    if is_endless(fact.event):
        _note_endless(part, fact.event.data, time)


def _note_endless(part: Part, data: Data, time: Micros) -> None:
    if part.endless_since is None or time < part.endless_since:
        part.endless_since = time
    message = data.message
    if message is not None and message.id:
        keep_first(part.message_times, hash_name(shorten_name(message.id)), time, MESSAGE_TIMES_KEPT)
    if message is not None and message.in_reply_to:
        keep_first(part.quote_times, shorten_name(message.in_reply_to), time, MESSAGE_TIMES_KEPT)


def _linked(part: Part, fact: Fact, at: At) -> None:
    conversation = fact.event.data.conversation
    if conversation is not None and conversation.other:
        other = shorten_name(conversation.other)
        part.links[other] = max(at, part.links.get(other, at))


def _split(part: Part, fact: Fact, at: At) -> None:
    part.split_at = at if part.split_at is None or at > part.split_at else part.split_at


SECTION = Section(
    handlers={
        "cx.conversation.linked.v1": _linked,
        "cx.conversation.split.v1": _split,
    },
)

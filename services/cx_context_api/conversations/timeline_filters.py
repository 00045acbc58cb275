"""Narrow a timeline: by channel, kind, conversation, words and time.

Which parts may hold events of a channel is asked first, so that a burst on another one is not read. Kind and words are
looked for in the events themselves: a page looks at ``SCANNED`` at most, and goes on by its cursor.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple, get_args

from cx_context.parts.event_kinds import makes_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context_api.requests.queries import Query
from cx_context_api.requests.targets import by_id
from cx_events.catalogue import catalogue
from cx_events.envelope import Channel, Data
from cx_events.errors import Refused
from cx_events.facts import Fact, Order
from cx_events.ids import NodeId
from cx_events.timestamps import Micros

SCANNED = 2_000
"""Events that a page looks at."""

MAX_TEXT = 200
MAX_PER_CHANNEL = 50
CHANNELS = (*get_args(Channel), "none")
"""What ``channel`` may be; ``none``: of what no channel is told."""

FILTERS = ("channel", "kind", "conversation", "text", "from", "to")
REPEATABLE = ("channel", "kind")

_type = re.compile(r"[!-~]{1,200}")
_LEAST = -(1 << 62)


class TimelineFilter(NamedTuple):
    """The events that are asked for: all that fit every member. ``since`` included, ``until`` not, in µs."""

    channels: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    conversation: NodeId | None = None
    words: str = ""
    since: Micros | None = None
    until: Micros | None = None

    def takes(self, fact: Fact) -> bool:
        """Return whether an event is asked for, its time and its conversation aside."""
        event = fact.event
        if not makes_part(event.type) or (self.channels and (event.data.channel or "none") not in self.channels):
            return False
        if self.kinds and event.type not in self.kinds and family_of(event.type) not in self.kinds:
            return False
        return not self.words or any(self.words in text.casefold() for text in texts_of(event.data))

    def may_hold(self, keyed: KeyedPart) -> bool:
        """Return whether a part may hold an event of the channels. Of events that don't count it knows no channel."""
        part = keyed.part
        if part.facts > part.events or not self.channels.isdisjoint(part.channels):
            return True
        return "none" in self.channels and part.events > sum(part.channels.values())

    def before(self, cursor: Order | None) -> Order | None:
        """Return the place before which the next page's events lie."""
        if self.until is None:
            return cursor
        bound: Order = (self.until, "", _LEAST, _LEAST, "", "")
        return bound if cursor is None else min(cursor, bound)


class TimelineQuery(NamedTuple):
    """The events that are asked for, and of how many of each channel, if a page is to have some of each."""

    wanted: TimelineFilter
    per_channel: int | None = None


def read_timeline_query(query: Query) -> TimelineQuery:
    """Read the filters of a query. Raises ``Refused`` (400): ``bad-query``, ``bad-time``, ``bad-limit``."""
    channels = query.texts("channel")
    for channel in channels:
        if channel not in CHANNELS:
            raise Refused("bad-query", f"channel={channel[:20]}: expected one of {', '.join(CHANNELS)}.", 400)
    kinds = query.texts("kind")
    for kind in kinds:
        _check_kind(kind)
    words = query.text("text") or ""
    if len(words) > MAX_TEXT:
        raise Refused("bad-query", f"text: expected at most {MAX_TEXT} characters.", 400)
    conversation = query.text("conversation")
    since, until = query.moment("from"), query.moment("to")
    if since is not None and until is not None and since > until:
        raise Refused("bad-query", "from is later than to.", 400)
    wanted = TimelineFilter(
        frozenset(channels),
        frozenset(kinds),
        by_id(conversation).node if conversation is not None else None,
        words.casefold(),
        since,
        until,
    )
    return TimelineQuery(wanted, _per_channel(query))


def _per_channel(query: Query) -> int | None:
    most = query.whole("per_channel", MAX_PER_CHANNEL)
    if most is not None and any(query.text(name) is not None for name in ("cursor", "limit")):
        raise Refused("bad-query", "per_channel takes no cursor and no limit: go on by channel and cursor.", 400)
    return most


def _check_kind(kind: str) -> None:
    families = {each.family for each in catalogue().values()}
    if kind not in families and ("." not in kind or _type.fullmatch(kind) is None):
        raise Refused(
            "bad-query", f"kind={kind[:40]}: expected a whole type, or one of {', '.join(sorted(families))}.", 400
        )


def family_of(type: str) -> str:
    """Return the family of an event's type; "" for a type of nobody's that the hub knows."""
    return type.split(".")[1] if type.startswith("cx.") else ""


def texts_of(data: Data) -> Iterator[str]:
    """Yield all that an event says in words."""
    yield from filter(None, (data.note, data.topic, data.disposition, data.reason, data.digits))
    if data.message is not None:
        yield from filter(None, (data.message.text, data.message.subject))
    yield from (line.text for line in data.transcript)
    if data.bot is not None:
        yield from filter(None, (data.bot.text, data.bot.intent))
    if data.insight is not None:
        yield from filter(None, (data.insight.summary, data.insight.topic, data.insight.intent))
    if data.survey is not None:
        yield data.survey.comment
    if data.promise is not None:
        yield data.promise.text


def channels_of(parts: Collection[KeyedPart]) -> list[str]:
    """Return the channels of which there may be events, in a fixed order."""
    found = {channel for _, part in parts for channel in part.channels}
    return [channel for channel in CHANNELS if channel == "none" or channel in found]

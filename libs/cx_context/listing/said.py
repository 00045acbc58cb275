"""Make rows of the words of events, as they count today: an edit writes another text, a deletion takes it away. Pure.

As in the context (``cx_context.sections.messages``) the latest edit counts, and a deletion that is later than that.
What belongs to one message is told by the interaction and the message's id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from cx_context.listing.words import words_of
from cx_context.parts.speakers import RECEIVED, SENT
from cx_events.envelope import Event
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.types.media import STORED

NO_MESSAGE = bytes(16)
SAID, EDITED, DELETED = 0, 1, 2

KINDS: Mapping[str, int] = MappingProxyType(
    {
        RECEIVED: SAID,
        SENT: SAID,
        "cx.call.transcript.v1": SAID,
        "cx.social.mention.v1": SAID,
        "cx.social.post.v1": SAID,
        "cx.social.comment.v1": SAID,
        "cx.social.review.v1": SAID,
        "cx.message.edited.v1": EDITED,
        "cx.message.deleted.v1": DELETED,
        STORED: EDITED,
    }
)
"""An event's act on words, by its type."""


class SaidRow(NamedTuple):
    """All that search knows of an event. ``message``: stands for the message, ``NO_MESSAGE`` of what has no id.
    ``text_of``: the event whose text counts; ``words``: those of that text, parted by spaces."""

    key: bytes
    stream_id: NodeId
    interaction: NodeId
    effective: int
    message: NodeId
    what: int
    text_of: bytes
    words: bytes


def holds_words(event: Event) -> bool:
    """Return whether an event's words are searched, or change what is."""
    what = KINDS.get(event.type)
    if what is None:
        return False
    data = event.data
    if what == SAID:
        return data.message is not None or bool(data.transcript)
    return data.message is not None and bool(data.message.id) and (event.type != STORED or bool(data.message.text))


def text_of_event(event: Event) -> str:
    """Return the words of an event: subject and text of a message, the lines of a transcript."""
    message = event.data.message
    if message is not None:
        return f"{message.subject}\n{message.text}" if message.subject else message.text
    return "\n".join(line.text for line in event.data.transcript)


def message_of(fact: Fact) -> NodeId:
    """Return what stands for the message that an event is, edits or deletes."""
    message = fact.event.data.message
    if message is None or not message.id or not fact.event.data.interaction:
        return NO_MESSAGE
    return blake2b(message.id.encode(), digest_size=16, key=fact.interaction_node).digest()


def said_rows(facts: Iterable[Fact]) -> list[SaidRow]:
    """Return the rows of facts that hold words, all of each message among them."""
    groups: dict[NodeId, list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[message_of(fact)].append(fact)
    rows: list[SaidRow] = []
    for message, group in groups.items():
        changes = [fact for fact in group if KINDS[fact.event.type] != SAID] if message != NO_MESSAGE else []
        rows += [_row(fact, message, changes) for fact in group]
    return rows


def _row(fact: Fact, message: NodeId, changes: Sequence[Fact]) -> SaidRow:
    what = KINDS[fact.event.type]
    counts = _counting(fact, changes) if what == SAID else None
    words = " ".join(words_of(text_of_event(counts.event))).encode() if counts is not None else b""
    text_of = counts.key if counts is not None else NO_MESSAGE
    place = (fact.key, fact.stream_id, fact.interaction_node, fact.effective)
    return SaidRow(*place, message, what, text_of, words)


def _counting(fact: Fact, changes: Sequence[Fact]) -> Fact | None:
    """Return whose text counts, None of what was deleted."""
    edit, deletion = _latest(EDITED, changes), _latest(DELETED, changes)
    if deletion is not None and (edit is None or deletion.order > edit.order):
        return None
    return edit or fact


def _latest(what: int, changes: Sequence[Fact]) -> Fact | None:
    some = [each for each in changes if KINDS[each.event.type] == what]
    return max(some, key=lambda each: each.order, default=None)

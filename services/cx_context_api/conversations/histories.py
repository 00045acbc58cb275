"""Page through a customer's timeline and conversations, and through one conversation over all channels."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import msgspec

from cx_context.parts.event_kinds import makes_part
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.sections.conversations import conversation_summary
from cx_context.sections.timeline import timeline_entry
from cx_context.sections.words import conversation_with_words
from cx_context.store.latest_events import read_facts_before
from cx_context.store.ownership import Ownership
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.conversations.conversation_lookup import (
    Thread,
    find_thread,
    read_headers,
    read_ownership,
    read_threads,
    read_trust,
    unknown_conversation,
)
from cx_context_api.conversations.timeline_filters import SCANNED, TimelineFilter, channels_of
from cx_context_api.requests.tenancy import Tenancy
from cx_events.cooperative_chunks import cooperative_chunks
from cx_events.directory import Directory
from cx_events.facts import Fact, Order
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_runtime.cursors import CursorNode, CursorTime, decode_cursor, encode_cursor

TIMELINE = "timeline"
CONVERSATIONS = "conversations"
THREAD = "thread"

_STEP = 250
"""Events that are read at once where only some of them are wanted."""

ALL = TimelineFilter()

_ORDER = tuple[CursorTime, str, int, CursorTime, str, str]

Page = tuple[list[Json], str | None]
"""Items, and the cursor of the next page (None after the last)."""


async def timeline(
    tx: Tx,
    tenancy: Tenancy,
    customer: NodeId,
    cursor: str | None,
    limit: int,
    then: Snapshot | None = None,
    wanted: TimelineFilter = ALL,
) -> Page:
    """Return a page of what happened, newest first: of all, or of what is wanted.

    Where there is more to look at than a page may (``timeline_filters.SCANNED``), it holds fewer items and has a next
    one. Raises ``Refused("unknown-conversation", 404)`` for a conversation that is not the customer's.
    """
    own = await read_ownership(tx, tenancy, customer, then)
    if wanted == ALL:
        facts, following = await _facts(tx, tenancy, own, TIMELINE, cursor, limit, then=then)
    else:
        part_ids = await _parts_wanted(tx, tenancy, customer, own, wanted, then)
        facts, following = await _wanted_facts(tx, tenancy, own, cursor, limit, part_ids, wanted, then)
    return await _entries(facts, tenancy), following


async def timeline_by_channel(
    tx: Tx, tenancy: Tenancy, customer: NodeId, most: int, then: Snapshot | None, wanted: TimelineFilter
) -> tuple[list[Json], dict[str, str]]:
    """Return the latest ``most`` events of each channel, newest first, and by channel the cursor of older ones.

    It is one read for each channel, whatever the history: of nine at most.
    """
    own = await read_ownership(tx, tenancy, customer, then)
    whole = await _parts_of(tx, tenancy, customer, own, wanted, then)
    found: list[Fact] = []
    more: dict[str, str] = {}
    for channel in channels_of(whole):
        if wanted.channels and channel not in wanted.channels:
            continue
        of_channel = wanted._replace(channels=frozenset((channel,)))
        part_ids = [keyed.part_id for keyed in whole if of_channel.may_hold(keyed)]
        facts, following = await _wanted_facts(tx, tenancy, own, None, most, part_ids, of_channel, then)
        found += facts
        if following is not None:
            more[channel] = following
    found.sort(key=lambda fact: fact.order, reverse=True)
    return await _entries(found, tenancy), more


async def _entries(facts: Sequence[Fact], tenancy: Tenancy) -> list[Json]:
    directory = tenancy.directory
    return [
        timeline_entry(fact.event, fact.effective, directory=directory)
        async for some in cooperative_chunks(facts)
        for fact in some
    ]


async def _parts_wanted(
    tx: Tx, tenancy: Tenancy, customer: NodeId, own: Ownership, wanted: TimelineFilter, then: Snapshot | None
) -> list[NodeId] | None:
    """Return the parts that may hold what is wanted; None for any part."""
    if wanted.conversation is None and not wanted.channels:
        return None
    parts = await _parts_of(tx, tenancy, customer, own, wanted, then)
    return [keyed.part_id for keyed in parts if not wanted.channels or wanted.may_hold(keyed)]


async def _parts_of(
    tx: Tx, tenancy: Tenancy, customer: NodeId, own: Ownership, wanted: TimelineFilter, then: Snapshot | None
) -> list[KeyedPart]:
    """Return the customer's part headers, or those of the conversation that is wanted."""
    if wanted.conversation is None:
        return list((await read_headers(tx, tenancy, own, then)).parts)
    found = await find_thread(tx, tenancy.ids.tenant, tenancy, wanted.conversation, then)
    if found.customer != customer:
        raise unknown_conversation(wanted.conversation)
    return [piece for member in found.conversation.members for piece in member.pieces]


async def _wanted_facts(
    tx: Tx,
    tenancy: Tenancy,
    own: Ownership,
    cursor: str | None,
    limit: int,
    part_ids: Sequence[NodeId] | None,
    wanted: TimelineFilter,
    then: Snapshot | None,
) -> tuple[list[Fact], str | None]:
    before = wanted.before(decode_cursor(cursor, TIMELINE, _ORDER) if cursor is not None else None)
    found: list[Fact] = []
    seen = 0
    while part_ids is None or part_ids:
        facts = await _facts_before(tx, tenancy, own, _STEP, before, part_ids, then)
        for fact in facts:
            if wanted.since is not None and fact.effective < wanted.since:
                return found, None
            if wanted.takes(fact):
                if len(found) == limit:
                    return found, encode_cursor(TIMELINE, found[-1].order)
                found.append(fact)
        if len(facts) < _STEP:
            break
        before, seen = facts[-1].order, seen + len(facts)
        if seen >= SCANNED:
            return found, encode_cursor(TIMELINE, before)
    return found, None


async def _facts_before(
    tx: Tx,
    tenancy: Tenancy,
    own: Ownership,
    most: int,
    before: Order | None,
    part_ids: Sequence[NodeId] | None,
    then: Snapshot | None,
) -> list[Fact]:
    if then is not None:
        return await then.facts_before(own, most, before, part_ids)
    return await read_facts_before(tx, tenancy.ids, own, most, before, part_ids)


async def _facts(
    tx: Tx,
    tenancy: Tenancy,
    own: Ownership,
    list: str,
    cursor: str | None,
    limit: int,
    part_ids: Sequence[NodeId] | None = None,
    then: Snapshot | None = None,
) -> tuple[list[Fact], str | None]:
    before: Order | None = decode_cursor(cursor, list, _ORDER) if cursor is not None else None
    facts = await _facts_before(tx, tenancy, own, limit + 1, before, part_ids, then)
    following = encode_cursor(list, facts[limit - 1].order) if len(facts) > limit else None
    return [fact for fact in facts[:limit] if makes_part(fact.event.type)], following


async def conversations(
    tx: Tx, tenancy: Tenancy, customer: NodeId, cursor: str | None, limit: int, then: Snapshot | None = None
) -> Page:
    """Return a page of all conversations, the last active first."""
    before: tuple[Micros, NodeId] | None = (
        decode_cursor(cursor, CONVERSATIONS, tuple[CursorTime, CursorNode]) if cursor is not None else None
    )
    threads, words, parts = await read_threads(tx, tenancy, await read_ownership(tx, tenancy, customer, then), then)
    placed = sorted((((found.last_activity, found.id), found) for found in threads), key=itemgetter(0), reverse=True)
    rest = [(place, found) for place, found in placed if before is None or place < before]
    following = encode_cursor(CONVERSATIONS, rest[limit - 1][0]) if len(rest) > limit else None
    trust = await read_trust(tx, tenancy, customer, parts, then)
    return [conversation_summary(conversation_with_words(found, words), trust) for _, found in rest[:limit]], following


async def thread_page(
    tx: Tx, tenancy: Tenancy, found: Thread, cursor: str | None, limit: int, then: Snapshot | None = None
) -> Page:
    """Return a page of what happened in a conversation over all channels, newest first, with whole texts."""
    part_ids = [part_id for member in found.conversation.members for _, part_id in member.part_ids]
    facts, following = await _facts(tx, tenancy, found.own, THREAD, cursor, limit, part_ids, then)
    return [_entry(fact, tenancy.directory) for fact in facts], following


def _entry(fact: Fact, directory: Directory) -> Json:
    """Return a timeline entry with its whole text, message and transcript, and all attachments."""
    data = fact.event.data
    entry = timeline_entry(fact.event, fact.effective, attachments=None, directory=directory)
    message = data.message
    if message is not None:
        entry["text"] = message.text or message.subject or entry["text"]
    elif data.note:
        entry["text"] = data.note
    entry["message"] = msgspec.to_builtins(message) if message is not None else None
    entry["transcript"] = msgspec.to_builtins(data.transcript) if data.transcript else None
    return entry

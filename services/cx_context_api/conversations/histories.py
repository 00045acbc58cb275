"""Page through a customer's timeline and conversations, and through one conversation over all channels."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import msgspec

from cx_context.parts.event_kinds import makes_part
from cx_context.sections.conversations import conversation_summary
from cx_context.sections.timeline import timeline_entry
from cx_context.sections.words import conversation_with_words
from cx_context.store.latest_events import read_facts_before
from cx_context.store.ownership import Ownership
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.conversations.threads import Thread, read_ownership, read_threads, read_trust
from cx_context_api.requests.tenancy import Tenancy
from cx_events.directory import Directory
from cx_events.facts import Fact, Order
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_runtime.cursors import CursorNode, CursorTime, decode_cursor, encode_cursor

TIMELINE = "timeline"
CONVERSATIONS = "conversations"
THREAD = "thread"

_ORDER = tuple[CursorTime, str, int, CursorTime, str, str]

Page = tuple[list[Json], str | None]
"""Items, and the cursor of the next page (None after the last)."""


async def timeline(
    tx: Tx, tenancy: Tenancy, customer: NodeId, cursor: str | None, limit: int, then: Snapshot | None = None
) -> Page:
    """Return a page of all that happened, newest first."""
    own = await read_ownership(tx, tenancy, customer, then)
    facts, following = await _facts(tx, tenancy, own, TIMELINE, cursor, limit, then=then)
    return [timeline_entry(fact.event, fact.effective, directory=tenancy.directory) for fact in facts], following


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
    if then is None:
        facts = await read_facts_before(tx, tenancy.ids, own, limit + 1, before, part_ids)
    else:
        facts = await then.facts_before(own, limit + 1, before, part_ids)
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

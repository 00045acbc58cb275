"""The past in pages: a customer's timeline and conversations, one conversation over all channels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter

import msgspec

from cx_context.parts.event_kinds import makes_part
from cx_context.parts.header import ReadWords
from cx_context.parts.model import Part
from cx_context.sections.assurance import Trust, around_core
from cx_context.sections.conversations import conversation_summary
from cx_context.sections.timeline import timeline_entry
from cx_context.sections.words import conversation_with_words
from cx_context.store.as_of import Snapshot
from cx_context.store.finding import CustomerMatch, find_at
from cx_context.store.latest_events import read_facts_before
from cx_context.store.members import members_of
from cx_context.store.owned_parts import read_owned_headers
from cx_context.store.ownership import Ownership, ownership_of
from cx_context.store.parts import InteractionSide, read_side
from cx_context.store.rule_changes import read_proof_lifetimes
from cx_context.store.sql import Tx
from cx_context.threading.contacts import Contact, contacts_of
from cx_context.threading.conversations import Conversation, find_contact, join_contacts
from cx_context_api.requests.cursors import At, Node, cursor_of, place_of
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.facts import Fact, Order
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros

TIMELINE = "timeline"
CONVERSATIONS = "conversations"
THREAD = "thread"

_ORDER = tuple[At, str, int, At, str, str]

Page = tuple[list[Json], str | None]
"""Items and the cursor of the next page, None after the last."""


async def timeline(
    tx: Tx, tenancy: Tenancy, customer: NodeId, cursor: str | None, most: int, then: Snapshot | None = None
) -> Page:
    """Everything that happened, newest first."""
    own = await _own(tx, tenancy, customer, then)
    facts, following = await _facts(tx, tenancy, own, TIMELINE, cursor, most, then=then)
    return [timeline_entry(fact.event, fact.effective) for fact in facts], following


async def _facts(
    tx: Tx,
    tenancy: Tenancy,
    own: Ownership,
    list: str,
    cursor: str | None,
    most: int,
    part_ids: Sequence[NodeId] | None = None,
    then: Snapshot | None = None,
) -> tuple[list[Fact], str | None]:
    before: Order | None = place_of(cursor, list, _ORDER) if cursor is not None else None
    if then is None:
        facts = await read_facts_before(tx, tenancy.ids, own, most + 1, before, part_ids)
    else:
        facts = await then.facts_before(own, most + 1, before, part_ids)
    following = cursor_of(list, facts[most - 1].order) if len(facts) > most else None
    return [fact for fact in facts[:most] if makes_part(fact.event.type)], following


async def _own(tx: Tx, tenancy: Tenancy, customer: NodeId, then: Snapshot | None) -> Ownership:
    if then is not None:
        return await then.ownership_of(customer, [member.id for member in await then.members_of(customer)])
    members = [member.id for member in await members_of(tx, tenancy.ids.tenant, customer)]
    return await ownership_of(tx, tenancy.ids, customer, members or [customer])


async def _threads(
    tx: Tx, tenancy: Tenancy, own: Ownership, then: Snapshot | None
) -> tuple[list[Conversation], ReadWords, list[Part]]:
    """Conversations of outlines, the way to the words of those that are shown, and all the outlines."""
    parts, words = await (read_owned_headers(tx, tenancy.ids.tenant, own) if then is None else then.outlines(own))
    return join_contacts(contacts_of(parts, tenancy.window), tenancy.window), words, [part for _, part in parts]


async def conversations(
    tx: Tx, tenancy: Tenancy, customer: NodeId, cursor: str | None, most: int, then: Snapshot | None = None
) -> Page:
    """All conversations, those active last first."""
    before: tuple[Micros, NodeId] | None = (
        place_of(cursor, CONVERSATIONS, tuple[At, Node]) if cursor is not None else None
    )
    threads, words, parts = await _threads(tx, tenancy, await _own(tx, tenancy, customer, then), then)
    placed = sorted((((found.last_activity, found.id), found) for found in threads), key=itemgetter(0), reverse=True)
    rest = [(place, found) for place, found in placed if before is None or place < before]
    following = cursor_of(CONVERSATIONS, rest[most - 1][0]) if len(rest) > most else None
    trust = await _trust(tx, tenancy, customer, parts, then)
    return [conversation_summary(conversation_with_words(found, words), trust) for _, found in rest[:most]], following


async def _trust(tx: Tx, tenancy: Tenancy, customer: NodeId, parts: list[Part], then: Snapshot | None) -> Trust:
    tenant = tenancy.ids.tenant
    if then is not None:
        members, lifetimes = await then.members_of(customer), (await then.rules()).proof_lifetime
    else:
        members, lifetimes = await members_of(tx, tenant, customer), await read_proof_lifetimes(tx, tenant)
    return Trust.of(around_core(members, parts), lifetimes)


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation, whose it is, and the part of an interaction by which it was named. ``contact``: the one that has
    this part; ``is_latest``: its interaction has no later stretch. ``trust``: what counts as a proof of who it is."""

    customer: NodeId
    version: int
    named: InteractionSide
    own: Ownership
    conversation: Conversation
    contact: Contact
    is_latest: bool
    trust: Trust

    @property
    def until(self) -> Micros:
        """When the latest happened of all that is known of it, in µs; decisions count, too."""
        return max(member.part.until for member in self.conversation.members)


async def find_thread(tx: Tx, tenant: str, tenancy: Tenancy, part_id: NodeId, then: Snapshot | None = None) -> Thread:
    """By its id or any alias; ``Refused("unknown-conversation", 404)``."""
    side = await read_side(tx, tenant, part_id)
    if side is None:
        raise unknown_conversation(part_id)
    if then is not None:
        customer = await then.find_at(side.stream_id, side.node)
        found = CustomerMatch(customer, 0) if customer is not None else None
    else:
        found = await find_at(tx, tenant, side.stream_id, side.node)
    if found is not None:
        own = await _own(tx, tenancy, found.customer, then)
        threads, words, parts = await _threads(tx, tenancy, own, then)
        named = _named_by(threads, {part_id})
        if named is None and then is not None:
            named = _named_by(threads, await _part_ids_today(tx, tenant, tenancy, part_id))
        if named is not None:
            conversation, contact = named
            starts = [each.start for of in threads for each in of.members if each.name == contact.name]
            shown = conversation_with_words(conversation, words)
            trust = await _trust(tx, tenancy, found.customer, parts, then)
            is_latest = contact.start == max(starts)
            return Thread(found.customer, found.version, side, own, shown, contact, is_latest, trust)
    raise unknown_conversation(part_id)


def _named_by(threads: Sequence[Conversation], part_ids: Collection[NodeId]) -> tuple[Conversation, Contact] | None:
    for conversation in threads:
        for part_id in part_ids:
            contact = find_contact(conversation, part_id)
            if contact is not None:
                return conversation, contact
    return None


async def _part_ids_today(tx: Tx, tenant: str, tenancy: Tenancy, part_id: NodeId) -> set[NodeId]:
    """The part ids of the contact that an part id names today: its part may have begun later than the moment asked for,
    though its contact had not."""
    try:
        found = await find_thread(tx, tenant, tenancy, part_id)
    except Refused:
        return set()
    return {own for _, own in found.contact.part_ids}


def unknown_conversation(part_id: NodeId) -> Refused:
    return Refused("unknown-conversation", f"there is no conversation {text_of(part_id)}", 404)


async def thread_page(
    tx: Tx, tenancy: Tenancy, found: Thread, cursor: str | None, most: int, then: Snapshot | None = None
) -> Page:
    """What happened in a conversation over all its channels, newest first, texts whole."""
    part_ids = [part_id for member in found.conversation.members for _, part_id in member.part_ids]
    facts, following = await _facts(tx, tenancy, found.own, THREAD, cursor, most, part_ids, then)
    return [_entry(fact) for fact in facts], following


def _entry(fact: Fact) -> Json:
    """An entry of the timeline with its text, message and transcript whole, and all its attachments."""
    data = fact.event.data
    entry = timeline_entry(fact.event, fact.effective, attachments=None)
    message = data.message
    if message is not None:
        entry["text"] = message.text or message.subject or entry["text"]
    elif data.note:
        entry["text"] = data.note
    entry["message"] = msgspec.to_builtins(message) if message is not None else None
    entry["transcript"] = msgspec.to_builtins(data.transcript) if data.transcript else None
    return entry


def summary(found: Thread) -> Json:
    """The conversation as its customer's context shows it."""
    return conversation_summary(found.conversation, found.trust)

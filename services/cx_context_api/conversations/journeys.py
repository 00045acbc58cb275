"""Page through a customer's contacts as a picture of their journey needs them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple

from cx_context.parts.header import ReadWords
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.sections.assurance import Trust, around_core
from cx_context.sections.assured_read import assured_part_ids, isolate_profile
from cx_context.sections.journey import contact_of_journey
from cx_context.sections.members import Member
from cx_context.sections.words import with_words
from cx_context.store.members import members_of
from cx_context.store.rule_changes import read_proof_lifetimes
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context.threading.contact_model import Contact
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation, join_contacts
from cx_context_api.conversations.conversation_lookup import read_headers, read_ownership
from cx_context_api.requests.tenancy import Tenancy
from cx_events.ids import NodeId
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_runtime.cursors import CursorTime, decode_cursor, encode_cursor

JOURNEY = "journey"

Start = tuple[Micros, str]
_Placed = tuple[Start, Conversation, int]


class Assured(NamedTuple):
    """An assured read: what only a claim ties to the customer is left out. ``alone``: a profile that is read by itself
    (``assured.isolate_profile``)."""

    alone: NodeId | None = None


async def journey(
    tx: Tx,
    tenancy: Tenancy,
    customer: NodeId,
    cursor: str | None,
    limit: int,
    then: Snapshot | None = None,
    assured: Assured | None = None,
) -> tuple[list[Json], str | None]:
    """Return a page of contacts, those that began last first, and the cursor of the next page."""
    before: Start | None = decode_cursor(cursor, JOURNEY, tuple[CursorTime, str]) if cursor is not None else None
    parts, words = await read_headers(tx, tenancy, await read_ownership(tx, tenancy, customer, then), then)
    members, trust = await _read_trust(tx, tenancy, customer, parts, then)
    return await asyncio.to_thread(_page, parts, words, members, trust, tenancy.window, before, limit, assured)


async def _read_trust(
    tx: Tx, tenancy: Tenancy, customer: NodeId, parts: list[KeyedPart], then: Snapshot | None
) -> tuple[list[Member], Trust]:
    tenant = tenancy.ids.tenant
    if then is not None:
        members, lifetimes = await then.members_of(customer), (await then.rules()).proof_lifetime
    else:
        members, lifetimes = await members_of(tx, tenant, customer), await read_proof_lifetimes(tx, tenant)
    return list(members), Trust.of(around_core(members, [part for _, part in parts]), lifetimes)


def _page(
    parts: list[KeyedPart],
    words: ReadWords,
    members: list[Member],
    trust: Trust,
    window: Micros,
    before: Start | None,
    limit: int,
    assured: Assured | None,
) -> tuple[list[Json], str | None]:
    """Return a page. It takes as long as joining all contacts: in a thread."""
    if assured is not None:
        members = isolate_profile(members, assured.alone) if assured.alone is not None else members
        kept = assured_part_ids(parts, members, window)
        parts = [keyed for keyed in parts if keyed.part_id in kept]
        core = [each for each in around_core(members, [part for _, part in parts]) if not each.claimed]
        trust = replace(trust, core=Trust.of(core, trust.lifetimes).core, claimed=frozenset())
    placed = sorted(_placed(join_contacts(contacts_of(parts, window), window)), key=itemgetter(0), reverse=True)
    rest = [each for each in placed if before is None or each[0] < before]
    following = encode_cursor(JOURNEY, rest[limit - 1][0]) if len(rest) > limit else None
    return [_contact(conversation, place, words, trust) for _, conversation, place in rest[:limit]], following


def _placed(conversations: list[Conversation]) -> list[_Placed]:
    return [
        (member.start, conversation, place)
        for conversation in conversations
        for place, member in enumerate(conversation.members)
    ]


def _contact(conversation: Conversation, place: int, words: ReadWords, trust: Trust) -> Json:
    whole: Contact = with_words(conversation.members[place], words)
    return contact_of_journey(conversation, place, whole, trust)

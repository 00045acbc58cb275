"""Find one conversation by any of its ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cx_context.directory_names import named_parts, named_words
from cx_context.parts.header import PartHeaders, ReadWords
from cx_context.parts.model import Part
from cx_context.sections.assurance import Trust, around_core
from cx_context.sections.conversations import conversation_summary
from cx_context.sections.words import conversation_with_words
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_at
from cx_context.store.graph_view import GraphView
from cx_context.store.members import members_of
from cx_context.store.owned_parts import read_owned_headers
from cx_context.store.ownership import Ownership, ownership_of
from cx_context.store.parts import InteractionSide, read_side
from cx_context.store.rule_changes import read_proof_lifetimes
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context.threading.contact_model import Contact
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation, find_contact, join_contacts
from cx_context_api.requests.tenancy import Tenancy
from cx_events.directory import Directory
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as one of its ids names it.

    ``named``: the part whose id it is; ``contact``: the contact of that part; ``is_latest``: the contact is the latest
    of its interaction. ``trust``: what counts as a proof of who the customer is. ``directory``: the tenant's.
    """

    customer: NodeId
    version: int
    named: InteractionSide
    own: Ownership
    conversation: Conversation
    contact: Contact
    is_latest: bool
    trust: Trust
    directory: Directory

    @property
    def until(self) -> Micros:
        """The time in µs of the latest event of the conversation, decisions included."""
        return max(member.part.until for member in self.conversation.members)


async def find_thread(tx: Tx, tenant: str, tenancy: Tenancy, part_id: NodeId, then: Snapshot | None = None) -> Thread:
    """Return the conversation of an id or alias. Raises ``Refused("unknown-conversation", 404)``."""
    side = await read_side(tx, tenant, part_id)
    if side is None:
        raise unknown_conversation(part_id)
    graph: GraphView = then if then is not None else CurrentGraph(tx, tenant)
    found = await find_at(graph, side.stream_id, side.node)
    if found is not None:
        own = await read_ownership(tx, tenancy, found.customer, then)
        threads, words, parts = await read_threads(tx, tenancy, own, then)
        match = _find_contact(threads, {part_id})
        if match is None and then is not None:
            match = _find_contact(threads, await _part_ids_today(tx, tenant, tenancy, part_id))
        if match is not None:
            conversation, contact = match
            starts = [each.start for of in threads for each in of.members if each.name == contact.name]
            shown = conversation_with_words(conversation, words)
            trust = await read_trust(tx, tenancy, found.customer, parts, then)
            is_latest = contact.start == max(starts)
            return Thread(found.customer, found.version, side, own, shown, contact, is_latest, trust, tenancy.directory)
    raise unknown_conversation(part_id)


def _find_contact(threads: Sequence[Conversation], part_ids: Collection[NodeId]) -> tuple[Conversation, Contact] | None:
    for conversation in threads:
        for part_id in part_ids:
            contact = find_contact(conversation, part_id)
            if contact is not None:
                return conversation, contact
    return None


async def _part_ids_today(tx: Tx, tenant: str, tenancy: Tenancy, part_id: NodeId) -> set[NodeId]:
    """Return all part ids of the contact that a part id names today.

    The part may have begun after the moment that is read, though its contact had not.
    """
    try:
        found = await find_thread(tx, tenant, tenancy, part_id)
    except Refused:
        return set()
    return {own for _, own in found.contact.part_ids}


def contact_named(thread: Thread, interaction: str) -> Contact:
    """Return the conversation's latest contact of an interaction. Raises ``Refused("unknown-interaction", 404)``."""
    named = [member for member in thread.conversation.members if member.name == interaction]
    if not named:
        raise Refused("unknown-interaction", f"This conversation has no interaction {interaction[:64]!r}.", 404)
    return named[-1]


def unknown_conversation(part_id: NodeId) -> Refused:
    """Return the refusal of an id that no conversation has."""
    return Refused("unknown-conversation", f"There is no conversation {text_of(part_id)}.", 404)


def thread_summary(found: Thread) -> Json:
    """Return the conversation as its customer's context shows it."""
    return conversation_summary(found.conversation, found.trust)


async def read_threads(
    tx: Tx, tenancy: Tenancy, own: Ownership, then: Snapshot | None
) -> tuple[list[Conversation], ReadWords, list[Part]]:
    """Return the conversations without words, the function that reads words, and the part headers."""
    parts, words = await read_headers(tx, tenancy, own, then)
    return join_contacts(contacts_of(parts, tenancy.window), tenancy.window), words, [part for _, part in parts]


async def read_headers(tx: Tx, tenancy: Tenancy, own: Ownership, then: Snapshot | None) -> PartHeaders:
    """Return the customer's parts without words, and the function that reads words, with the directory's names."""
    parts, words = await (read_owned_headers(tx, tenancy.ids.tenant, own) if then is None else then.outlines(own))
    return PartHeaders(named_parts(parts, tenancy.directory), named_words(words, tenancy.directory))


async def read_ownership(tx: Tx, tenancy: Tenancy, customer: NodeId, then: Snapshot | None) -> Ownership:
    """Return which streams and interactions are the customer's."""
    if then is not None:
        return await ownership_of(then, customer, [member.id for member in await then.members_of(customer)])
    members = [member.id for member in await members_of(tx, tenancy.ids.tenant, customer)]
    return await ownership_of(CurrentGraph(tx, tenancy.ids.tenant), customer, members)


async def read_trust(tx: Tx, tenancy: Tenancy, customer: NodeId, parts: list[Part], then: Snapshot | None) -> Trust:
    """Return what counts as a proof of who the customer is."""
    tenant = tenancy.ids.tenant
    if then is not None:
        members, lifetimes = await then.members_of(customer), (await then.rules()).proof_lifetime
    else:
        members, lifetimes = await members_of(tx, tenant, customer), await read_proof_lifetimes(tx, tenant)
    return Trust.of(around_core(members, parts), lifetimes)

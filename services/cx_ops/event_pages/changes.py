"""Work out what an event changed: the profiles that it names, and whose context and conversation it is in now."""

from __future__ import annotations

from msgspec import Struct

from cx_context.parts.event_kinds import makes_part
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_at
from cx_context.store.members import members_of
from cx_context.store.owned_parts import read_owned_headers
from cx_context.store.ownership import ownership_of
from cx_context.store.sql import Tx
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import find_contact, join_contacts
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.timestamps import Micros
from cx_identity.evidence import links_of


class NamedProfile(Struct, frozen=True):
    """A profile that an event names. ``customer``: whose it is now."""

    id: str
    kind: str
    value: str
    scope: str
    customer: str | None


class EventChanges(Struct, frozen=True):
    """Ids as UUIDs. ``stream``: where the event lies for good. ``customers``: whose contexts it is in, or whose
    profiles it names. ``conversations``: in which it is shown."""

    stream: str
    profiles: list[NamedProfile]
    customers: list[str]
    conversations: list[str]


async def read_changes(tx: Tx, fact: Fact, ids: IdSpace, window: Micros, *, left_out: bool) -> EventChanges:
    """Return what an event of a tenant changed. ``window``: the tenant's threading window. ``left_out``: nothing was
    made of it."""
    stream = text_of(fact.stream_id)
    if left_out:
        return EventChanges(stream, [], [], [])
    graph = CurrentGraph(tx, ids.tenant)
    mentioned = links_of(fact, ids).profiles if makes_part(fact.event.type) else ()
    owners = await graph.customers_of({profile.id for profile in mentioned}) if mentioned else {}
    profiles = [
        NamedProfile(
            text_of(each.id), each.kind, each.value, each.scope, text_of(owners[each.id]) if each.id in owners else None
        )
        for each in mentioned
    ]
    found = await find_at(graph, fact.stream_id, fact.interaction_node) if makes_part(fact.event.type) else None
    customers = set(owners.values())
    conversations: list[str] = []
    if found is not None:
        customers.add(found.customer)
        conversations = await _conversations(tx, graph, ids.tenant, found.customer, fact, window)
    return EventChanges(stream, profiles, sorted(text_of(each) for each in customers), conversations)


async def _conversations(
    tx: Tx, graph: CurrentGraph, tenant: str, customer: NodeId, fact: Fact, window: Micros
) -> list[str]:
    members = [member.id for member in await members_of(tx, tenant, customer)]
    parts, _ = await read_owned_headers(tx, tenant, await ownership_of(graph, customer, members))
    joined = join_contacts(contacts_of(parts, window), window)
    return [text_of(each.id) for each in joined if find_contact(each, fact.part_id) is not None]

"""Pick the records of one customer, as the store knows the customer when it is asked."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store import Store
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.members import members_of
from cx_context.store.ownership import Ownership, ownership_of
from cx_events.codec import decode_leniently
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, parse_node_id, text_of
from cx_events.log import CONTEXT_CHANGES, INTERACTIONS
from cx_ops.log_browsing.filters import RecordTest
from cx_ops.log_browsing.records import BrowsedRecord


async def customer_test(store: Store, spaces: Mapping[str, IdSpace], topic: str, id: str) -> RecordTest:
    """Return the test for records of a customer, by any id that ever was the customer's. ``spaces``: the tenants in
    which to look, with their ids.

    An event that begins a new hour of an interaction whose customer is not the owner of its identifier is not
    recognised until the customer is asked for again. Raises ``Refused``: ``bad-id``, ``unknown-customer`` (404),
    ``bad-query`` for a topic that names no customers; ``TryLater``.
    """
    if topic not in (INTERACTIONS, CONTEXT_CHANGES):
        raise Refused("bad-query", f"records of {topic} are no customer's; filter by tenant, source or id", 400)
    node = parse_node_id(id)
    async with store.reading() as tx:
        for tenant, ids in spaces.items():
            graph = CurrentGraph(tx, tenant)
            found = await find_node(graph, node)
            if found is None:
                continue
            members = [member.id for member in await members_of(tx, tenant, found.customer)]
            if topic == CONTEXT_CHANGES:
                return _notice_test(tenant, {text_of(each) for each in {*members, found.customer}})
            return _event_test(ids, await ownership_of(graph, found.customer, members))
    raise Refused("unknown-customer", f"there is no customer {id[:64]!r} here", 404)


def _notice_test(tenant: str, customers: set[str]) -> RecordTest:
    return lambda record: record.tenant == tenant and record.text("customer") in customers


def _event_test(ids: IdSpace, own: Ownership) -> RecordTest:
    whole = set(own.stream_ids)
    included = {part.part_id for part in own.included}
    keys = {stream.hex().encode() for stream in (*whole, *(part.stream_id for part in own.included))}

    def matches(record: BrowsedRecord) -> bool:
        if record.record.key not in keys or record.tenant != ids.tenant:
            return False
        try:
            event, _ = decode_leniently(record.record.value)
            fact = Fact(event, record.record.value, ids)
        except (Refused, ValueError, RecursionError):
            return False
        return fact.part_id in included or (fact.stream_id in whole and fact.part_id not in own.excluded)

    return matches

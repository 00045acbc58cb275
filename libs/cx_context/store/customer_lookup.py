"""Find the customer that a profile, an interaction or a lone event belongs to: now, in a preview, or in the past."""

from __future__ import annotations

from dataclasses import replace

from cx_context.sections.vouching_facts import last_writer
from cx_context.store.graph_view import CustomerMatch, GraphView
from cx_context.store.ownership import owners_of_interactions
from cx_context.store.tables import NO_ID
from cx_events.ids import NodeId


async def find_profile(graph: GraphView, profile: NodeId) -> CustomerMatch | None:
    """Return the customer of a profile, with the candidates where it is ambiguous; None where nobody has it."""
    found = await graph.match_profile(profile)
    if found is None or not found.ambiguous:
        return found
    return replace(found, candidates=await tied_customers(graph, profile))


async def tied_customers(graph: GraphView, profile: NodeId) -> tuple[NodeId, ...]:
    """Return the customers that a shared identifier's edges lead to, itself left out."""
    edges = await graph.edges_at([profile])
    ends = {edge.b if edge.a == profile else edge.a for edge in edges}
    return tuple(sorted(set((await graph.customers_of(ends)).values()) - {profile}))


async def find_node(graph: GraphView, node: NodeId) -> CustomerMatch | None:
    """Return the customer of any id that ever was one's: a profile's, an interaction's or a lone event's."""
    found = await graph.match_profile(node)
    if found is not None:
        return CustomerMatch(found.customer, found.version)
    if not await graph.has_facts(node):
        return None
    return await graph.match_customer((await owners_of_interactions(graph, [node]))[node].whose)


async def find_interaction(graph: GraphView, node: NodeId, *, by_last_word: bool = False) -> CustomerMatch | None:
    """Return the customer of an interaction, by its node; None where it has no facts.

    Of several people's interaction, or where all it names is an identifier that several have, return the candidates.
    ``by_last_word``: of several people's into which anybody can write, return the customer whose event was recorded
    last (``vouchers.last_writer``).
    """
    by_stream = (await owners_of_interactions(graph, [node]))[node].by_stream
    if not by_stream:
        return None
    customers = set(by_stream.values())
    several = customers - {node} or customers
    # An ambiguous identifier is nobody: of those who take part besides, each may be meant.
    nobody = {customer for customer in several & by_stream.keys() if await _is_nobody(graph, customer)}
    if len(several - nobody) == 1:
        return await graph.match_customer((several - nobody).pop())
    if len(several) == 1:
        (identifier,) = several
        tied = await tied_customers(graph, identifier)
        return replace(await graph.match_customer(identifier), ambiguous=True, candidates=tied, identifier=identifier)
    people = several - nobody or several
    last = last_writer(await graph.last_activities(node, by_stream)) if by_last_word else None
    if last in people:
        return replace(await graph.match_customer(last), others=tuple(sorted(people - {last})))
    return CustomerMatch(NO_ID, 0, ambiguous=True, candidates=tuple(sorted(people)))


async def _is_nobody(graph: GraphView, customer: NodeId) -> bool:
    """Return whether all that is known of a customer is an ambiguous identifier."""
    return bool(await graph.ambiguous_among([customer])) and len(await graph.members_of(customer)) == 1


async def find_at(graph: GraphView, stream_id: NodeId, node: NodeId) -> CustomerMatch | None:
    """Return the customer of the facts of an interaction that lie at a stream."""
    if stream_id != node and await graph.ambiguous_among([stream_id]):
        customer = (await owners_of_interactions(graph, [node]))[node].by_stream.get(stream_id)
        if customer is not None:
            return await graph.match_customer(customer)
    return await find_node(graph, stream_id)

"""Hold each context, as a reader gets it, against the definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from cx_context.document import context_body, encode_body
from cx_context.parts.event_kinds import makes_part
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_context.sections.timeline import TIMELINE_SHOWN
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.context_loader import load_inputs
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.part_codec import decode_part
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently
from cx_events.errors import TryLater
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_events.timestamps import Micros
from cx_projectors.verify.expected import Expected


class _Report(Protocol):
    customers: int

    def add(self, sentence: str) -> None: ...


async def hold_contexts(tx: Tx, expected: Expected, windows: Mapping[str, Micros], findings: _Report) -> None:
    """Read every customer's context, and report those that are not found, can't be read, or differ. ``windows``: each
    tenant's threading window in µs."""
    for tenant, one in expected.tenants.items():
        graph = CurrentGraph(tx, tenant)
        for customer, known in one.whole.known.items():
            findings.customers += 1
            try:
                found = await find_node(graph, customer)
                is_found = found is not None and found.customer == customer
                kept = await load_inputs(tx, one.tenancy.ids, customer) if is_found else None
                differs = kept is not None and not _are_equal(kept, known, windows[tenant])
            except TryLater:
                raise
            except Exception as error:  # a row that can't be read was named before; whatever it does to its readers
                findings.add(f"contexts {text_of(customer)}: can't be read: {type(error).__name__}: {error}")
                continue
            if kept is None:
                findings.add(f"contexts {text_of(customer)}: is not found as such")
            elif differs:
                findings.add(f"contexts {text_of(customer)}: differs from the definition")


def _are_equal(stored: ContextInputs, known: CustomerFacts, window: Micros) -> bool:
    """Return whether two contexts have the same bytes. A body is a function of what it is made of, so where that is the
    same nothing is rendered."""
    return _are_alike(stored, known) or _body(stored.known, window) == _body(known, window)


def _are_alike(stored: ContextInputs, known: CustomerFacts) -> bool:
    """Return whether two contexts are made of the same. An event that is stored as it is on the log is not decoded."""
    facts = {fact.raw: fact for fact in known.latest}
    latest = [facts.get(raw) or Fact(decode_leniently(raw)[0], raw, stored.ids) for raw in stored.raws]
    return (
        stored.found.customer == known.customer
        and sorted(stored.members, key=_id_of) == sorted(known.members, key=_id_of)
        and {part_id: decode_part(body) for part_id, body in stored.parts} == {p.part_id: p.part for p in known.parts}
        and _shown_raws(latest) == _shown_raws(facts.values())
        and stored.claims == known.claims
        and stored.lifetimes == known.lifetimes
    )


def _id_of(member: Member) -> NodeId:
    return member.id


def _shown_raws(facts: Iterable[Fact]) -> list[bytes]:
    """Return the bytes of the events on the timeline, in order."""
    latest = sorted((fact for fact in facts if makes_part(fact.event.type)), key=lambda fact: fact.order)
    return [fact.raw for fact in latest[-TIMELINE_SHOWN:]]


def _body(known: CustomerFacts, window: Micros) -> bytes:
    return encode_body(context_body(known, window))

"""Compare what two stores, or one store at two moments, hold of a customer: the bytes that a reader gets."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from cx_context.document import context_body, encode_body
from cx_context.explain.json_pointer import changed_values, pointer_of
from cx_context.store.context_inputs import ContextInputs, read_inputs
from cx_context.store.events import read_some_raws_of_parts
from cx_context.store.inputs_postgres import read_inputs_at_once
from cx_context.store.port import TROUBLES
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently
from cx_events.errors import TryLater
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import Micros

MOST_PATHS = 8
MOST_EVENTS = 8

Inputs = ContextInputs | str | None
"""What an id's context is made of; None where nobody has the id; a sentence where it can't be read."""


async def inputs_of(tx: Tx, ids: IdSpace, nodes: Collection[NodeId]) -> dict[NodeId, Inputs]:
    """Return what the contexts of some ids are made of."""
    found: dict[NodeId, Inputs] = {}
    found.update(await read_inputs_at_once(tx, ids, nodes))
    for node in nodes:
        if node not in found:
            try:
                found[node] = await read_inputs(tx, ids, node)
            except (TryLater, *TROUBLES):
                raise
            except Exception as error:  # a row that can't be read: whatever it does to its readers
                found[node] = f"can't be read: {type(error).__name__}"
    return found


def are_equal(one: Inputs, other: Inputs) -> bool:
    """Return whether both give the same body without looking further; they may do so where this says no."""
    if not (isinstance(one, ContextInputs) and isinstance(other, ContextInputs)):
        return one == other
    return (
        one.found.customer == other.found.customer
        and sorted(one.members, key=_id) == sorted(other.members, key=_id)
        and dict(one.parts) == dict(other.parts)
        and sorted(one.raws) == sorted(other.raws)
        and one.claims == other.claims
        and one.lifetimes == other.lifetimes
    )


def _id(member: object) -> bytes:
    id: bytes = member.id  # type: ignore[attr-defined]
    return id


def body_of(inputs: Inputs, window: Micros) -> bytes:
    """Return the body that a reader gets, or a sentence where nobody gets one."""
    if not isinstance(inputs, ContextInputs):
        return (inputs or "").encode()
    try:
        return encode_body(context_body(inputs.known, window))
    except Exception as error:  # as above
        return f"can't be read: {type(error).__name__}".encode()


def changed_paths(one: Inputs, other: Inputs, window: Micros) -> list[str]:
    """Return JSON Pointers of the first values that differ; of the whole where one side has no body."""
    bodies = [body_of(each, window) for each in (one, other)]
    if not all(body.startswith(b"{") for body in bodies):
        return [""]
    before, after = (msgspec.json.decode(body) for body in bodies)
    return [pointer_of(path) for path, _, _ in changed_values(before, after)[:MOST_PATHS]]


async def events_behind(stores: Collection[Tx], one: Inputs, other: Inputs) -> list[str]:
    """Return events that are in one timeline only, or of parts that differ, or the evidence of members that do, as
    ``SOURCE#ID``. ``stores``: where the parts' events are looked for."""
    known = [each for each in (one, other) if isinstance(each, ContextInputs)]
    if not known:
        return []
    tenant = known[0].ids.tenant
    parts = [set(each.parts) for each in known]
    raws = [set(each.raws) for each in known]
    members = [set(each.members) for each in known]
    found = sorted(raws[0] ^ raws[1]) if len(known) == 2 else sorted(raws[0])
    part_ids = {part_id for part_id, _ in (parts[0] ^ parts[1] if len(known) == 2 else parts[0])}
    if part_ids:
        for tx in stores:
            found += await read_some_raws_of_parts(tx, tenant, sorted(part_ids), MOST_EVENTS)
    names = [_name(raw) for raw in found]
    if len(known) == 2:
        names += [each.joined[1] for each in members[0] ^ members[1] if each.joined is not None]
    return list(dict.fromkeys(name for name in names if name))[:MOST_EVENTS]


def _name(raw: bytes) -> str:
    event, _ = decode_leniently(raw)
    return f"{event.source}#{event.id}"

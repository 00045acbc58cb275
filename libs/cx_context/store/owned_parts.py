"""Read the parts that a customer owns."""

from __future__ import annotations

from cx_context.parts.header import PartHeaders
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.store.ownership import Ownership
from cx_context.store.part_codec import decode_header, decode_part, decode_words
from cx_context.store.sql import Tx
from cx_events.ids import NodeId


async def read_owned_parts(tx: Tx, tenant: str, own: Ownership) -> list[KeyedPart]:
    return [KeyedPart(part_id, decode_part(body)) for part_id, body in await read_owned_bodies(tx, tenant, own)]


async def read_owned_headers(tx: Tx, tenant: str, own: Ownership) -> PartHeaders:
    """Return the headers of the parts that a customer owns, which cost less to read than ``read_owned_parts``."""
    bodies = dict(await read_owned_bodies(tx, tenant, own))
    parts = [KeyedPart(part_id, decode_header(body)) for part_id, body in bodies.items()]
    return PartHeaders(parts, lambda part_id: decode_words(bodies[part_id]))


async def read_owned_bodies(tx: Tx, tenant: str, own: Ownership) -> list[tuple[NodeId, bytes]]:
    rows = await tx.fetch(
        "SELECT part_id, body FROM parts WHERE stream_id = ANY(:stream_ids) AND tenant = :tenant",
        stream_ids=list(own.stream_ids),
        tenant=tenant,
    )
    found = [(bytes(part_id), bytes(body)) for part_id, body in rows if part_id not in own.excluded]
    if own.included:
        rows = await tx.fetch(
            "SELECT part_id, body FROM parts WHERE part_id = ANY(:part_ids) AND tenant = :tenant",
            part_ids=[side.part_id for side in own.included],
            tenant=tenant,
        )
        found += [(bytes(part_id), bytes(body)) for part_id, body in rows]
    return found

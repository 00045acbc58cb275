"""Tell of rows that differ between two stores: whose they are, and the events behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table

from cx_context.store.events import read_some_raws_of_stream
from cx_context.store.members import customers_of
from cx_context.store.sql import Tx
from cx_context.store.tables import NO_ID
from cx_events.codec import decode_leniently
from cx_events.ids import text_of
from cx_ops.rebuild.record import RowDifference

MOST_NAMED = 5
MOST_EVENTS = 3

Row = tuple[Any, ...]
Pair = Sequence[Row | None]
"""A row as the live store has it, and as the rebuilt one does; None where it has none."""

_NODES: Mapping[str, str] = MappingProxyType(
    {
        "events": "stream_id",
        "parts": "stream_id",
        "profiles": "id",
        "edges": "a",
        "members": "profile",
        "refused_claims": "identifier",
        "withheld_claims": "identifier",
        "attributions": "interaction",
        "decisions": "a",
    }
)
"""By table, the column that tells whose a row is."""


async def tell_difference(stores: Sequence[Tx], table: Table, key: Row, rows: Pair) -> RowDifference:
    """Return what operators see of a row that differs. ``stores``: the live one and the rebuilt one."""
    tx, row = next((tx, row) for tx, row in zip(stores, rows, strict=True) if row is not None)
    names = table.columns.keys()
    values = dict(zip(names, row, strict=True))
    tenant, node = values.get("tenant", ""), values.get(_NODES.get(table.name, ""), NO_ID)
    customer = (await customers_of(tx, tenant, [node]))[node] if node != NO_ID else NO_ID
    both = [each for each in rows if each is not None]
    events = [name for each in both for name in _names_in(dict(zip(names, each, strict=True)))]
    if not events and node != NO_ID:
        events = [_name(raw) for raw in await read_some_raws_of_stream(tx, tenant, node, MOST_EVENTS)]
    differ = [str(name) for name, one, other in zip(names, both[0], both[-1], strict=True) if one != other]
    return RowDifference(
        "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in key),
        differ,
        tenant,
        text_of(customer) if customer != NO_ID else "",
        list(dict.fromkeys(events))[:MOST_EVENTS],
    )


def _names_in(values: Mapping[str, Any]) -> list[str]:
    """Return the events that a row names, as ``SOURCE#ID``."""
    if values.get("raw"):
        return [_name(values["raw"])]
    found = [values["evidence"]] if values.get("evidence") else []
    for name, value in values.items():
        if name.endswith("source") and value:
            found.append(f"{value}#{values.get(name.removesuffix('source') + 'id', '')}")
    return found


def _name(raw: bytes) -> str:
    event, _ = decode_leniently(raw)
    return f"{event.source}#{event.id}"

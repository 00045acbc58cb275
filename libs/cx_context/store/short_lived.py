"""Keep what lasts until a moment and is no fact: sessions that were signed out, and who is present.

Rows are the tenant's, of a ``kind``, by name. One that is past its moment counts as gone and is deleted by a later
write of its kind. Moments are by the database's clock, so that processes need not agree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cx_context.store.operations_tables import SHORT_LIVED
from cx_context.store.sql import Tx
from cx_context.store.table_shapes import shape_of

_LIVE = "tenant = :tenant AND kind = :kind"


async def put(tx: Tx, tenant: str, kind: str, name: str, value: bytes, seconds: float) -> None:
    """Write a value that lasts ``seconds`` from now, over an earlier one, and delete what is past its moment."""
    await put_all(tx, tenant, kind, {name: value}, seconds)


async def put_all(tx: Tx, tenant: str, kind: str, values: Mapping[str, bytes], seconds: float) -> None:
    """Write several values, by name, as ``put`` does one."""
    ((now,),) = await tx.fetch(f"SELECT {tx.now}")
    await tx.execute(f"DELETE FROM short_lived WHERE {_LIVE} AND until < {tx.now}", tenant=tenant, kind=kind)
    await tx.insert(
        shape_of(SHORT_LIVED),
        [(tenant, kind, name, value, float(now) + seconds) for name, value in sorted(values.items())],
        "ON CONFLICT (tenant, kind, name) DO UPDATE SET value = excluded.value, until = excluded.until",
    )


async def remove(tx: Tx, tenant: str, kind: str, name: str) -> None:
    """Delete a value before its moment."""
    await remove_all(tx, tenant, kind, [name])


async def remove_all(tx: Tx, tenant: str, kind: str, names: Collection[str]) -> None:
    """Delete several values before their moment."""
    where = f"{_LIVE} AND name = ANY(:names)"
    await tx.execute(f"DELETE FROM short_lived WHERE {where}", tenant=tenant, kind=kind, names=sorted(names))


async def is_there(tx: Tx, tenant: str, kind: str, name: str) -> bool:
    """Return whether there is a value that still lasts."""
    rows = await tx.fetch(
        f"SELECT 1 FROM short_lived WHERE {_LIVE} AND name = :name AND until >= {tx.now}",
        tenant=tenant,
        kind=kind,
        name=name,
    )
    return bool(rows)


async def read(tx: Tx, tenant: str, kind: str, most: int) -> list[tuple[str, bytes, float]]:
    """Return name, value and the seconds that it still lasts, of at most so many, by name."""
    rows = await tx.fetch(
        f"SELECT name, value, until - {tx.now} FROM short_lived WHERE {_LIVE} AND until >= {tx.now} "
        f"ORDER BY name LIMIT {int(most)}",
        tenant=tenant,
        kind=kind,
    )
    return [(name, bytes(value), float(seconds)) for name, value, seconds in rows]


async def count(tx: Tx, tenant: str, kind: str) -> int:
    """Return how many values still last."""
    rows = await tx.fetch(
        f"SELECT count(*) FROM short_lived WHERE {_LIVE} AND until >= {tx.now}", tenant=tenant, kind=kind
    )
    return int(rows[0][0])

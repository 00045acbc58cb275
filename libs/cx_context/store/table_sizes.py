"""Measure how many bytes each table takes on the database's disk, its indexes and what is stored apart included."""

from __future__ import annotations

from typing import NamedTuple

from cx_context.store.all_tables import METADATA
from cx_context.store.port import Store
from cx_context.store.sqlite import SqliteStore


class TableSize(NamedTuple):
    """``rows``: counted; ``size``: bytes with indexes."""

    table: str
    rows: int
    size: int


async def table_sizes(store: Store) -> list[TableSize]:
    """Return the sizes of all tables, the largest first. It counts every row, so it takes a while on a large store."""
    names = [str(table.name) for table in METADATA.sorted_tables]
    async with store.reading() as tx:
        if isinstance(store, SqliteStore):
            sizes = await tx.fetch(
                "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_master m ON m.name = d.name "
                "WHERE d.aggregate = TRUE GROUP BY m.tbl_name"
            )
        else:
            values = ", ".join(f"('{name}')" for name in names)
            sizes = await tx.fetch(
                f"SELECT name, pg_total_relation_size(name::regclass) FROM (VALUES {values}) AS t (name)"
            )
        size_of = {str(name): int(size) for name, size in sizes}
        found = [
            TableSize(name, int((await tx.fetch(f"SELECT count(*) FROM {name}"))[0][0]), size_of.get(name, 0))
            for name in names
        ]
    return sorted(found, key=lambda each: -each.size)

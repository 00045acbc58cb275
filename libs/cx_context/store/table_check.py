"""Check that the database has all tables and columns that this software needs."""

from __future__ import annotations

from cx_context.store.all_tables import METADATA
from cx_context.store.port import TablesDiffer
from cx_context.store.sql import Tx

_TOLD = 3
"""Columns that are named; of more it is told how many."""


async def check_tables(tx: Tx) -> None:
    """Raise ``TablesDiffer`` where one of them is missing. What there is besides is of a newer release."""
    there = {(table, column) for table, column in await tx.fetch(tx.all_columns)}
    needed = {(table.name, column.name) for table in METADATA.tables.values() for column in table.columns}
    missing = sorted(".".join(each) for each in needed - there)
    if missing:
        more = f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
        raise TablesDiffer("store", f"there is no {', '.join(missing[:_TOLD])}{more}")

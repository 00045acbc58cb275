"""Copy rows to a database in memory, so that contexts can be read from them as from the store they came from."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from sqlalchemy import Index, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateIndex, CreateTable

from cx_context.store import tables
from cx_context.store.sql import Row, SqliteTx, Tx
from cx_context.store.table_shapes import shape_of


def _name(index: Index) -> str:
    return str(index.name)


READ_BY_CONTEXTS: Mapping[str, Table] = {
    table.name: table
    for table in (
        tables.EVENTS, tables.PARTS, tables.INTERACTIONS, tables.PROFILES, tables.EDGES, tables.DECISIONS,
        tables.ATTRIBUTIONS, tables.RULE_CHANGES, tables.MEMBERS, tables.REFUSED_CLAIMS, tables.WITHHELD_CLAIMS,
        tables.VERSIONS, tables.STORE_EPOCH,
    )
}  # fmt: skip
"""The tables that a context of today is read from."""


def _statements(table: Table) -> list[str]:
    """Return what makes a table and its indexes."""
    dialect = sqlite.dialect()
    indexes = [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=_name)]
    return [str(CreateTable(table).compile(dialect=dialect)), *indexes]


_SCHEMA = [statement for table in READ_BY_CONTEXTS.values() for statement in _statements(table)]


@asynccontextmanager
async def copied(rows: Mapping[str, Iterable[Row]]) -> AsyncIterator[Tx]:
    """Copy rows, by table, each in the order of the table's columns; give a transaction that reads them."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for statement in _SCHEMA:
            connection.execute(statement)
        tx = SqliteTx(cast(AsyncConnection, _InThisThread(connection)))
        for name, table in READ_BY_CONTEXTS.items():
            await tx.insert(shape_of(table), list(rows.get(name, ())))
        yield tx
    finally:
        connection.close()


class _InThisThread:
    """A connection for ``SqliteTx``. Nothing waits for a disk here, and a thread beside this one would take
    longer to be asked than to answer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def exec_driver_sql(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        if isinstance(values, list):
            return self._connection.executemany(statement, values)
        return self._connection.execute(statement, values)

"""Rows of any table: read, put, dropped, and a value that is not the right one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Double, LargeBinary, Table, Text

from cx_context.store.sql import Tx
from cx_context.store.table_rows import in_key_order, key_places
from cx_projectors.verify.comparison import shown

Row = tuple[Any, ...]


async def all_rows(tx: Tx, table: Table) -> list[Row]:
    """In order of their keys."""
    return [row async for row in in_key_order(tx, table)]


async def put(tx: Tx, table: Table, row: Row) -> None:
    names = [column.name for column in table.columns]
    places = ", ".join(f":{name}" for name in names)
    values = dict(zip(names, row, strict=True))
    await tx.execute(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})", **values)


async def drop(tx: Tx, table: Table, row: Row) -> None:
    values = {column.name: row[at] for column, at in zip(table.primary_key.columns, key_places(table), strict=True)}
    await tx.execute(f"DELETE FROM {table.name} WHERE {' AND '.join(f'{name} = :{name}' for name in values)}", **values)


def another(column: Column[Any], value: Any) -> Any:
    """A value that the column could hold and that is not this one."""
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, LargeBinary):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\xc1"
    if isinstance(column.type, Text):
        return f"{value or ''}x"
    if isinstance(column.type, Double):
        return -1.0
    return (value or 0) + 1


def value_of(table: Table, row: Row, name: str) -> Any:
    return row[table.columns.keys().index(name)]


def changed(table: Table, row: Row, **values: Any) -> Row:
    """The row with other values in some columns."""
    names = table.columns.keys()
    assert values.keys() <= set(names)
    return tuple(values.get(name, value) for name, value in zip(names, row, strict=True))


def name_of(table: Table, row: Row) -> str:
    """A row as a finding names it."""
    return f"{table.name} {shown(tuple(row[at] for at in key_places(table)))}"

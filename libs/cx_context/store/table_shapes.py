"""List a table's columns with their PostgreSQL types, for statements that write many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean, Double, Integer, LargeBinary, Table, Text
from sqlalchemy.types import TypeEngine

ID = "id"
"""A column's type where each value has 16 bytes; ``bytea`` to PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Columns that one statement writes, with their PostgreSQL types, or ``ID``."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]


_PG_TYPES = {
    LargeBinary: "bytea",
    Text: "text",
    BigInteger: "bigint",
    Integer: "int",
    Boolean: "bool",
    Double: "float8",
}


def shape_of(table: Table, *names: str) -> Shape:
    """Return all columns of a table, or those named."""
    columns = [table.columns[name] for name in names] or list(table.columns)
    return Shape(table.name, tuple(c.name for c in columns), tuple(_type_of(c.type) for c in columns))


def _type_of(type_: TypeEngine[Any]) -> str:
    return ID if isinstance(type_, LargeBinary) and type_.length else _PG_TYPES[type(type_)]

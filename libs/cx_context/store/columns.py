"""Define the columns that several tables have. Ids are 16 bytes; times are µs since 1970."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Text, text

METADATA = MetaData()


def id_column(name: str, *, primary_key: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(16), nullable=False, primary_key=primary_key)


def text_column(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def time_column(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def flag_column(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def evidence_columns(weight: str) -> tuple[Column[Any], ...]:
    """Return the columns of an edge's evidence of one weight, all NULL where it has none."""
    return (
        Column(f"{weight}_recorded", BigInteger),
        Column(f"{weight}_source", Text),
        Column(f"{weight}_id", Text),
        Column(f"{weight}_rule", Text),
    )


def only_where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}

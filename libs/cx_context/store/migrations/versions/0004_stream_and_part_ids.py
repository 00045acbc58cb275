"""Rename columns: ``home`` to ``stream_id``, ``anchor`` to ``part_id``, ``position`` to ``next_offset``.

On PostgreSQL a rename changes the catalogue alone. SQLite has no ``ALTER INDEX``, so there two indexes are built anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cx_context.store.migrations.steps import breaking

revision = "0004"
down_revision = "0003"

_COLUMNS = (
    ("events", "home", "stream_id"),
    ("events", "anchor", "part_id"),
    ("parts", "home", "stream_id"),
    ("parts", "anchor", "part_id"),
    ("segments", "anchor", "part_id"),
    ("assignments", "anchor", "part_id"),
    ("partitions", "position", "next_offset"),
)
_INDEXES = (
    ("events", "events_by_home", "events_by_stream", ["stream_id", "effective"]),
    ("parts", "parts_by_home", "parts_by_stream", ["stream_id"]),
)


def upgrade() -> None:
    on_postgres = op.get_context().dialect.name == "postgresql"
    for table, old, new in _COLUMNS:
        op.execute(sa.text(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"))
        if on_postgres:
            _rename_not_null(table, old, new)
    for table, old, new, columns in _INDEXES:
        if on_postgres:
            op.execute(sa.text(f"ALTER INDEX {old} RENAME TO {new}"))
        else:
            op.drop_index(old, table)
            op.create_index(new, table, columns)
    if on_postgres:
        op.create_table_comment(
            "parts",
            "an hour of one stream's side of one interaction (cx_context.parts.model.Part as MessagePack in LZ4)",
        )
    breaking(revision, revision)


def _rename_not_null(table: str, old: str, new: str) -> None:
    """Rename a column's ``NOT NULL`` constraint, which PostgreSQL names by the column, from version 18 on."""
    before, after = f"{table}_{old}_not_null", f"{table}_{new}_not_null"
    known = sa.text("SELECT 1 FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND conname = :name")
    if op.get_bind().execute(known, {"table": table, "name": before}).first() is not None:
        op.execute(sa.text(f"ALTER TABLE {table} RENAME CONSTRAINT {before} TO {after}"))

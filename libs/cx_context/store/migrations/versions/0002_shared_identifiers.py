"""Add an index, so that one look-up a batch tells whether a tenant has any shared identifier."""

from __future__ import annotations

import sqlalchemy as sa

from cx_context.store.migrations.steps import add_index

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    add_index(
        "members_shared", "members", ["tenant"], postgresql_where=sa.text("shared"), sqlite_where=sa.text("shared")
    )

"""Whether a tenant has any shared identifier is asked once a batch."""

from __future__ import annotations

import sqlalchemy as sa

from cx_context.store.migrations.steps import add_index

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    add_index(
        "members_shared", "members", ["tenant"], postgresql_where=sa.text("shared"), sqlite_where=sa.text("shared")
    )

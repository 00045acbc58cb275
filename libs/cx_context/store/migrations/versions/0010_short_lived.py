"""Create tables of what lasts until a moment and is no fact: sessions that were signed out, and who is present."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "short_lived",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "name"),
        comment="what lasts until a moment (s since 1970) and is no fact: sessions signed out, who is present",
    )

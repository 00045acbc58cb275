"""Create a table of how far each poller and stream is, and which process runs it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "pollers",
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("cursor", sa.LargeBinary, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("leased_until", sa.Double, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
        comment="how far a connection's poller or stream is, which process runs it (lease, epoch), and how it gets on",
    )

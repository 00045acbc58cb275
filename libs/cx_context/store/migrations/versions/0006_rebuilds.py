"""Create a table of rebuilds of what is made of the log, so that any process can go on with one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "rebuilds",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("leased_until", sa.Double, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        comment="the latest rebuild of a subject: who works on it (lease, epoch), and its record as JSON",
    )

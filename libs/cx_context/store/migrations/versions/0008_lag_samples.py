"""Create tables of how projectors get on: a row a minute of each partition, and each worker's latest report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "lag_samples",
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.Column("end_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("minute", "topic", "number"),
        comment="how far each partition was, a row a minute (since 1970) for a day",
    )
    op.create_table(
        "worker_reports",
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("error_at", sa.Double, nullable=False),
        comment="what each projector said of itself last: its code's version, its state and its last error",
    )

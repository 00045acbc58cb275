"""Create tables of the waits: whose customers wait in which queue, and which waits were found to be over its bound."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "waits",
        sa.Column("contact", sa.LargeBinary(16), primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer", sa.LargeBinary(16), nullable=False),
        sa.Column("conversation", sa.LargeBinary(16), nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),
        sa.Column("is_over", sa.Boolean, nullable=False),
        comment="each contact of today whose customer waits, and its queue; is_over: longer than that queue's bound",
    )
    op.create_index("waits_by_customer", "waits", ["customer"])
    op.create_index("waits_by_since", "waits", ["tenant", "is_over", "queue", "since"])
    op.create_table(
        "overdue_waits",
        sa.Column("contact", sa.LargeBinary(16), nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("announced", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("contact", "queue", "source"),
        comment="the latest wait of a contact in a queue that was found to be over its bound; body: what was announced",
    )
    op.create_index("overdue_waits_by_told", "overdue_waits", ["announced", "told"])
    op.create_table(
        "overdue_lease",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("leased_until", sa.Double, nullable=False),
        comment="one row: which process watches how long customers wait",
    )

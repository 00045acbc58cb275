"""Create a table of the store's epoch, which its versions begin with. A projector writes it when it opens the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "store_epoch",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("store", sa.LargeBinary(16), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        comment="one row: the store's id, and 1 + the offset of the record on cx.stores that announced it last",
    )

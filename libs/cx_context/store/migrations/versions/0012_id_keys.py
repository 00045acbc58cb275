"""Create a table of the id_key under which each tenant's ids were made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "id_keys",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        comment="a digest of each tenant's id_key, from which all ids in this store derive",
    )

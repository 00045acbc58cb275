"""Create a table of the versions of the fold that made a store's parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "fold_versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("since", sa.Double, nullable=False),
        comment="the versions of the fold that wrote parts here, each since when; changes places with the parts",
    )

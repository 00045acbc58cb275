"""Take steps of revisions that need more care than alembic's ``op`` takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from cx_context.store.migrations import BREAKING_TABLE


def add_index(name: str, table: str, columns: Sequence[str], **options: Any) -> None:
    """An index, while others go on writing; ``options`` as those of ``op.create_index``.

    On PostgreSQL outside of any transaction: what the revision did before is committed, so it should do nothing else.
    A try that broke off leaves an invalid index behind, hence the drop
    (https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY).
    """
    context = op.get_context()
    if context.dialect.name != "postgresql":
        op.create_index(name, table, columns, **options)
        return
    with context.autocommit_block():
        # Nobody queues behind its locks, so it may wait for as long as older transactions take.
        op.execute("SET lock_timeout = 0")
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        op.execute("RESET lock_timeout")


def breaking(revision: str, least: str) -> None:
    """``revision`` does more than add: only code that knows ``least`` or later can work with the tables from now on."""
    table = sa.table(BREAKING_TABLE, sa.column("revision"), sa.column("least"))
    op.execute(sa.insert(table).values(revision=revision, least=least))

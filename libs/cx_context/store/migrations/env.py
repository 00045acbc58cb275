"""Run what alembic asks of each command; the connection is the caller's (``run``).

A transaction for each revision, unless the caller has one around them all: locks are held as shortly as can be, and a
revision may leave its transaction for what PostgreSQL does only outside of one.
"""

from __future__ import annotations

from alembic import context

from cx_context.store.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], version_table=VERSION_TABLE, transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()

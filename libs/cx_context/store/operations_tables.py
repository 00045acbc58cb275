"""The tables of operators: dead letters, the records of long work, how projectors get on.

``body`` is bytes that only the code reads.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from cx_context.store.columns import METADATA, text_column

DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    text_column("tenant"),
    text_column("source"),
    text_column("id"),
    text_column("stage"),
    text_column("reason"),
    text_column("detail"),
    text_column("recorded"),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant", "source", "id", "stage"),
)
DISCARDED_LETTERS = Table(
    "discarded_letters",
    METADATA,
    text_column("tenant"),
    text_column("source"),
    text_column("id"),
    text_column("stage"),
    text_column("recorded"),
    text_column("writer"),
    text_column("reason"),
    PrimaryKeyConstraint("tenant", "source", "id", "stage"),
    comment="dead letters that nobody need look at: who decided so, when and why; a row may come before its letter",
)
REBUILDS = Table(
    "rebuilds",
    METADATA,
    Column("subject", Text, primary_key=True),
    text_column("phase"),
    text_column("wanted"),
    text_column("owner"),
    Column("epoch", BigInteger, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="the latest rebuild of a subject: who works on it (lease, epoch), and its record as JSON",
)
FOLD_VERSIONS = Table(
    "fold_versions",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("since", Double, nullable=False),
    comment="the versions of the fold that wrote parts here, each since when; changes places with the parts",
)
LAG_SAMPLES = Table(
    "lag_samples",
    METADATA,
    Column("minute", BigInteger, nullable=False),
    text_column("topic"),
    Column("number", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("end_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("minute", "topic", "number"),
    comment="how far each partition was, a row a minute (since 1970) for a day",
)
WORKER_REPORTS = Table(
    "worker_reports",
    METADATA,
    Column("worker", Text, primary_key=True),
    text_column("version"),
    text_column("state"),
    Column("since", Double, nullable=False),
    text_column("error"),
    Column("error_at", Double, nullable=False),
    comment="what each projector said of itself last: its code's version, its state and its last error",
)

"""The tables of operators: dead letters, and the records of long work. ``body`` is bytes that only the code reads."""

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

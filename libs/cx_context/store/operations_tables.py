"""Define the tables of operators: dead letters, the records of long work, how projectors, subscriptions and pollers get
on, and what is kept for a while.

``body`` is bytes that only the code reads.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from cx_context.store.columns import METADATA, flag_column, id_column, text_column, time_column

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
OVERDUE_WAITS = Table(
    "overdue_waits",
    METADATA,
    id_column("contact"),
    text_column("queue"),
    text_column("source"),
    text_column("tenant"),
    time_column("since"),
    time_column("told"),
    Column("body", LargeBinary, nullable=False),
    flag_column("announced"),
    PrimaryKeyConstraint("contact", "queue", "source"),
    Index("overdue_waits_by_told", "announced", "told"),
    comment="the latest wait of a contact in a queue that was found to be over its bound; body: what was announced",
)
OVERDUE_LEASE = Table(
    "overdue_lease",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    text_column("owner"),
    Column("leased_until", Double, nullable=False),
    comment="one row: which process watches how long customers wait",
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
SUBSCRIPTION_CURSORS = Table(
    "subscription_cursors",
    METADATA,
    text_column("tenant"),
    text_column("subscription"),
    text_column("topic"),
    Column("number", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    text_column("owner"),
    Column("epoch", BigInteger, nullable=False),
    Column("leased_until", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "subscription", "topic", "number"),
    comment="how far a subscription has read a partition, and which process works on it (lease, epoch)",
)
SUBSCRIPTION_WAITING = Table(
    "subscription_waiting",
    METADATA,
    text_column("tenant"),
    text_column("subscription"),
    text_column("topic"),
    Column("number", Integer, nullable=False),
    text_column("key"),
    Column("next_offset", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("first_failed", Double, nullable=False),
    Column("next_at", Double, nullable=False),
    text_column("reason"),
    text_column("detail"),
    PrimaryKeyConstraint("tenant", "subscription", "topic", "number", "key"),
    comment="keys whose records wait from an offset on, since one could not be delivered; times in s since 1970",
)
SUBSCRIPTION_LETTERS = Table(
    "subscription_letters",
    METADATA,
    text_column("tenant"),
    text_column("subscription"),
    text_column("topic"),
    Column("number", Integer, nullable=False),
    Column("log_offset", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("first_failed", Double, nullable=False),
    Column("last_failed", Double, nullable=False),
    text_column("reason"),
    text_column("detail"),
    flag_column("wanted"),
    PrimaryKeyConstraint("tenant", "subscription", "topic", "number", "log_offset"),
    comment="records that could not be delivered in 75 hours; wanted: an operator asked to try again",
)
SUBSCRIPTION_STOPS = Table(
    "subscription_stops",
    METADATA,
    text_column("tenant"),
    text_column("subscription"),
    text_column("reason"),
    text_column("why"),
    text_column("writer"),
    Column("since", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "subscription"),
    comment="subscriptions that deliver nothing, by an operator (paused) or by their receiver (gone)",
)
SHORT_LIVED = Table(
    "short_lived",
    METADATA,
    text_column("tenant"),
    text_column("kind"),
    text_column("name"),
    Column("value", LargeBinary, nullable=False),
    Column("until", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "kind", "name"),
    comment="what lasts until a moment (s since 1970) and is no fact: sessions signed out, who is present",
)
ID_KEYS = Table(
    "id_keys",
    METADATA,
    Column("tenant", Text, primary_key=True),
    text_column("digest"),
    Column("since", Double, nullable=False),
    comment="a digest of each tenant's id_key, from which all ids in this store derive",
)
POLLERS = Table(
    "pollers",
    METADATA,
    Column("connection", Text, primary_key=True),
    text_column("tenant"),
    Column("cursor", LargeBinary, nullable=False),
    text_column("owner"),
    Column("epoch", BigInteger, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("report", LargeBinary, nullable=False),
    comment="how far a connection's poller or stream is, which process runs it (lease, epoch), and how it gets on",
)
OF_SUBSCRIPTIONS = (SUBSCRIPTION_CURSORS, SUBSCRIPTION_WAITING, SUBSCRIPTION_LETTERS, SUBSCRIPTION_STOPS)

"""Define the tables of contexts. Ids are 16 bytes; times are µs since 1970; ``body`` and ``raw`` are bytes that only
the code reads.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from cx_context.store.columns import (
    METADATA,
    evidence_columns,
    flag_column,
    id_column,
    only_where,
    text_column,
    time_column,
)

EVENTS = Table(
    "events",
    METADATA,
    id_column("key", primary_key=True),
    text_column("tenant"),
    id_column("stream_id"),
    id_column("part_id"),
    time_column("effective"),
    time_column("recorded"),
    Column("problem", Text),
    Column("raw", LargeBinary, nullable=False),
    Index("events_by_stream", "stream_id", "effective"),
    comment="every event once: of several copies the least by (recorded, raw)",
)
COPIES = Table(
    "copies",
    METADATA,
    id_column("key"),
    id_column("digest"),
    text_column("tenant"),
    time_column("recorded"),
    Column("raw", LargeBinary, nullable=False),
    PrimaryKeyConstraint("key", "digest"),
    comment="copies of an event whose content differs from the one that counts, or once did",
)
PARTS = Table(
    "parts",
    METADATA,
    id_column("part_id", primary_key=True),
    text_column("tenant"),
    id_column("stream_id"),
    id_column("interaction"),
    Column("body", LargeBinary, nullable=False),
    Index("parts_by_stream", "stream_id"),
    Index("parts_by_interaction", "interaction"),
    postgresql_with={"fillfactor": 75},
    comment="an hour of one stream's side of one interaction (cx_context.parts.model.Part as MessagePack in LZ4)",
)
ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    id_column("part_id"),
    text_column("kind"),
    text_column("name"),
    text_column("tenant"),
    id_column("interaction"),
    PrimaryKeyConstraint("part_id", "kind", "name"),
    Index("assignments_by_desk", "tenant", "kind", "name"),
    comment="live sides of interactions by the desks that they concern (cx_context.routing_targets), written by "
    "their one writer",
)
INTERACTIONS = Table(
    "interactions",
    METADATA,
    id_column("node", primary_key=True),
    text_column("tenant"),
    sqlite_with_rowid=False,
    comment="the first part of an interaction is announced here, so that two first writers see each other",
)
PROFILES = Table(
    "profiles",
    METADATA,
    id_column("id", primary_key=True),
    text_column("tenant"),
    text_column("kind"),
    text_column("scope"),
    text_column("value"),
    time_column("first_recorded"),
    flag_column("attested"),
    sqlite_with_rowid=False,
)
EDGES = Table(
    "edges",
    METADATA,
    id_column("a"),
    id_column("b"),
    text_column("tenant"),
    *evidence_columns("proved"),
    *evidence_columns("asserted"),
    *evidence_columns("claimed"),
    PrimaryKeyConstraint("a", "b"),
    Index("edges_by_other_end", "b"),
    sqlite_with_rowid=False,
    comment="two identifiers of one person, with the earliest evidence of each weight",
)
SIGHTINGS = Table(
    "sightings",
    METADATA,
    Column("kind", Integer, nullable=False),
    id_column("a"),
    id_column("b"),
    id_column("key"),
    text_column("tenant"),
    time_column("effective"),
    time_column("recorded"),
    text_column("source"),
    text_column("id"),
    text_column("rule"),
    PrimaryKeyConstraint("kind", "a", "b", "key"),
    comment="events that were the first to name a profile (a = b) or to tie two at some moment of the past",
)
SEGMENTS = Table(
    "segments",
    METADATA,
    id_column("part_id"),
    time_column("since"),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("part_id", "since"),
    comment="a part of many facts, cut by effective time: since is the least that a segment may hold",
)
LINK_EVENTS = Table(
    "link_events",
    METADATA,
    id_column("profile"),
    id_column("key"),
    PrimaryKeyConstraint("profile", "key"),
    sqlite_with_rowid=False,
    comment="events that name a profile and live elsewhere, so that evidence can be gathered again",
)
DECISIONS = Table(
    "decisions",
    METADATA,
    id_column("key", primary_key=True),
    text_column("tenant"),
    time_column("effective"),
    time_column("recorded"),
    text_column("source"),
    text_column("id"),
    text_column("kind"),
    id_column("a"),
    id_column("b"),
    text_column("withdraws"),
    text_column("reason"),
    Index("decisions_by_a", "a"),
    Index("decisions_by_b", "b"),
    Index("decisions_by_tenant", "tenant"),
)
ATTRIBUTIONS = Table(
    "attributions",
    METADATA,
    id_column("key", primary_key=True),
    text_column("tenant"),
    time_column("effective"),
    time_column("recorded"),
    text_column("source"),
    text_column("id"),
    id_column("interaction"),
    id_column("profile"),
    Index("attributions_by_tenant", "tenant"),
    Index("attributions_by_interaction", "interaction"),
    Index("attributions_by_profile", "profile"),
)
RULE_CHANGES = Table(
    "rule_changes",
    METADATA,
    id_column("key", primary_key=True),
    text_column("tenant"),
    time_column("effective"),
    time_column("recorded"),
    text_column("source"),
    text_column("id"),
    text_column("rules"),
)
MEMBERS = Table(
    "members",
    METADATA,
    id_column("profile", primary_key=True),
    text_column("tenant"),
    id_column("customer"),
    id_column("core"),
    flag_column("shared"),
    flag_column("firmly_shared"),
    flag_column("ambiguous"),
    flag_column("claimed"),
    flag_column("decided"),
    flag_column("settled"),
    text_column("rule"),
    text_column("evidence"),
    Column("confidence", Integer, nullable=False),
    id_column("via"),
    Index("members_by_customer", "customer"),
    Index("members_shared", "tenant", **only_where("shared")),
    Index("members_ambiguous", "tenant", **only_where("ambiguous")),
    sqlite_with_rowid=False,
    comment="profiles that are not simply a customer of their own, and what they are (cx_identity.model.Resolution); "
    "written under the tenant's exclusive graph lock",
)
REFUSED_CLAIMS = Table(
    "refused_claims",
    METADATA,
    id_column("identifier"),
    id_column("other"),
    text_column("tenant"),
    text_column("reason"),
    time_column("recorded"),
    text_column("source"),
    text_column("id"),
    flag_column("settled"),
    PrimaryKeyConstraint("identifier", "other"),
    Index("refused_claims_by_other", "other"),
    Index("refused_claims_by_tenant", "tenant", "identifier"),
    sqlite_with_rowid=False,
    comment="claims that join nobody, for a person to look at: identifier is the weaker end, settled: a standing merge "
    "or dismissal names it; written under the tenant's exclusive graph lock",
)
WITHHELD_CLAIMS = Table(
    "withheld_claims",
    METADATA,
    id_column("identifier"),
    id_column("other"),
    text_column("tenant"),
    time_column("recorded"),
    text_column("source"),
    text_column("id"),
    PrimaryKeyConstraint("identifier", "other"),
    Index("withheld_claims_by_identifier", "identifier", "recorded"),
    Index("withheld_claims_by_other", "other", "recorded"),
    sqlite_with_rowid=False,
    comment="claims that are not tried, since an end is shared: questions for a person while the ends are two "
    "customers' and no shared end is settled; identifier is the weaker end; written under the tenant's exclusive "
    "graph lock",
)
VERSIONS = Table(
    "versions",
    METADATA,
    id_column("customer"),
    Column("stripe", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
    PrimaryKeyConstraint("customer", "stripe"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 50},
    comment="a customer's version is the sum of its stripes; each partition has its own, so writers do not wait",
)
STORE_EPOCH = Table(
    "store_epoch",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    id_column("store"),
    Column("epoch", BigInteger, nullable=False),
    comment="one row: the store's id, and 1 + the offset of the record on cx.stores that announced it last",
)
PARTITIONS = Table(
    "partitions",
    METADATA,
    text_column("topic"),
    Column("number", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    text_column("owner"),
    Column("leased_until", Double, nullable=False),
    Column("moved_at", Double, nullable=False),
    PrimaryKeyConstraint("topic", "number"),
    postgresql_with={"fillfactor": 50},
    comment="who applies a partition (lease, epoch) and how far it is",
)
WORKERS = Table(
    "workers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("seen_until", Double, nullable=False),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    id_column("id", primary_key=True),
    text_column("tenant"),
    Column("body", LargeBinary, nullable=False),
    Column("desks", LargeBinary, nullable=False),
    comment="customers whose context a batch changed, and whose desks that concerns, for cx.context-changes",
)

NO_ID = bytes(16)

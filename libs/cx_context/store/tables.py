"""The tables. Ids are 16 bytes; times are µs since 1970; ``body`` and ``raw`` are bytes that only the code reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeEngine

METADATA = MetaData()


def _id(name: str, *, primary_key: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(16), nullable=False, primary_key=primary_key)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _time(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _tie(weight: str) -> tuple[Column[Any], ...]:
    """Return the columns of an edge's evidence of one weight, all NULL where it has none."""
    return (
        Column(f"{weight}_recorded", BigInteger),
        Column(f"{weight}_source", Text),
        Column(f"{weight}_id", Text),
        Column(f"{weight}_rule", Text),
    )


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


EVENTS = Table(
    "events",
    METADATA,
    _id("key", primary_key=True),
    _text("tenant"),
    _id("stream_id"),
    _id("part_id"),
    _time("effective"),
    _time("recorded"),
    Column("problem", Text),
    Column("raw", LargeBinary, nullable=False),
    Index("events_by_stream", "stream_id", "effective"),
    comment="every event once: of several copies the least by (recorded, raw)",
)
COPIES = Table(
    "copies",
    METADATA,
    _id("key"),
    _id("digest"),
    _text("tenant"),
    _time("recorded"),
    Column("raw", LargeBinary, nullable=False),
    PrimaryKeyConstraint("key", "digest"),
    comment="copies of an event whose content differs from the one that counts, or once did",
)
PARTS = Table(
    "parts",
    METADATA,
    _id("part_id", primary_key=True),
    _text("tenant"),
    _id("stream_id"),
    _id("interaction"),
    Column("body", LargeBinary, nullable=False),
    Index("parts_by_stream", "stream_id"),
    Index("parts_by_interaction", "interaction"),
    postgresql_with={"fillfactor": 75},
    comment="an hour of one stream's side of one interaction (cx_context.parts.model.Part as MessagePack in LZ4)",
)
ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    _id("part_id"),
    _text("kind"),
    _text("name"),
    _text("tenant"),
    _id("interaction"),
    PrimaryKeyConstraint("part_id", "kind", "name"),
    Index("assignments_by_desk", "tenant", "kind", "name"),
    comment="live sides of interactions by the desks that they concern (cx_context.routing_targets), written by "
    "their one writer",
)
INTERACTIONS = Table(
    "interactions",
    METADATA,
    _id("node", primary_key=True),
    _text("tenant"),
    sqlite_with_rowid=False,
    comment="the first part of an interaction is announced here, so that two first writers see each other",
)
PROFILES = Table(
    "profiles",
    METADATA,
    _id("id", primary_key=True),
    _text("tenant"),
    _text("kind"),
    _text("scope"),
    _text("value"),
    _time("first_recorded"),
    _flag("attested"),
    sqlite_with_rowid=False,
)
EDGES = Table(
    "edges",
    METADATA,
    _id("a"),
    _id("b"),
    _text("tenant"),
    *_tie("proved"),
    *_tie("asserted"),
    *_tie("claimed"),
    PrimaryKeyConstraint("a", "b"),
    Index("edges_by_other_end", "b"),
    sqlite_with_rowid=False,
    comment="two identifiers of one person, with the earliest evidence of each weight",
)
SIGHTINGS = Table(
    "sightings",
    METADATA,
    Column("kind", Integer, nullable=False),
    _id("a"),
    _id("b"),
    _id("key"),
    _text("tenant"),
    _time("effective"),
    _time("recorded"),
    _text("source"),
    _text("id"),
    _text("rule"),
    PrimaryKeyConstraint("kind", "a", "b", "key"),
    comment="events that were the first to name a profile (a = b) or to tie two at some moment of the past",
)
SEGMENTS = Table(
    "segments",
    METADATA,
    _id("part_id"),
    _time("since"),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("part_id", "since"),
    comment="a part of many facts, cut by effective time: since is the least that a segment may hold",
)
LINK_EVENTS = Table(
    "link_events",
    METADATA,
    _id("profile"),
    _id("key"),
    PrimaryKeyConstraint("profile", "key"),
    sqlite_with_rowid=False,
    comment="events that name a profile and live elsewhere, so that evidence can be gathered again",
)
DECISIONS = Table(
    "decisions",
    METADATA,
    _id("key", primary_key=True),
    _text("tenant"),
    _time("effective"),
    _time("recorded"),
    _text("source"),
    _text("id"),
    _text("kind"),
    _id("a"),
    _id("b"),
    _text("withdraws"),
    _text("reason"),
    Index("decisions_by_a", "a"),
    Index("decisions_by_b", "b"),
    Index("decisions_by_tenant", "tenant"),
)
ATTRIBUTIONS = Table(
    "attributions",
    METADATA,
    _id("key", primary_key=True),
    _text("tenant"),
    _time("effective"),
    _time("recorded"),
    _text("source"),
    _text("id"),
    _id("interaction"),
    _id("profile"),
    Index("attributions_by_tenant", "tenant"),
    Index("attributions_by_interaction", "interaction"),
    Index("attributions_by_profile", "profile"),
)
RULE_CHANGES = Table(
    "rule_changes",
    METADATA,
    _id("key", primary_key=True),
    _text("tenant"),
    _time("effective"),
    _time("recorded"),
    _text("source"),
    _text("id"),
    _text("rules"),
)
MEMBERS = Table(
    "members",
    METADATA,
    _id("profile", primary_key=True),
    _text("tenant"),
    _id("customer"),
    _id("core"),
    _flag("shared"),
    _flag("firmly_shared"),
    _flag("ambiguous"),
    _flag("claimed"),
    _flag("decided"),
    _flag("settled"),
    _text("rule"),
    _text("evidence"),
    Column("confidence", Integer, nullable=False),
    _id("via"),
    Index("members_by_customer", "customer"),
    Index("members_shared", "tenant", **_where("shared")),
    Index("members_ambiguous", "tenant", **_where("ambiguous")),
    sqlite_with_rowid=False,
    comment="profiles that are not simply a customer of their own, and what they are (cx_identity.model.Resolution); "
    "written under the tenant's exclusive graph lock",
)
REFUSED_CLAIMS = Table(
    "refused_claims",
    METADATA,
    _id("identifier"),
    _id("other"),
    _text("tenant"),
    _text("reason"),
    _time("recorded"),
    _text("source"),
    _text("id"),
    _flag("settled"),
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
    _id("identifier"),
    _id("other"),
    _text("tenant"),
    _time("recorded"),
    _text("source"),
    _text("id"),
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
    _id("customer"),
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
    _id("store"),
    Column("epoch", BigInteger, nullable=False),
    comment="one row: the store's id, and 1 + the offset of the record on cx.stores that announced it last",
)
PARTITIONS = Table(
    "partitions",
    METADATA,
    _text("topic"),
    Column("number", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    _text("owner"),
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
    _id("id", primary_key=True),
    _text("tenant"),
    Column("body", LargeBinary, nullable=False),
    Column("desks", LargeBinary, nullable=False),
    comment="customers whose context a batch changed, and whose desks that concerns, for cx.context-changes",
)
DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    _text("tenant"),
    _text("source"),
    _text("id"),
    _text("stage"),
    _text("reason"),
    _text("detail"),
    _text("recorded"),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant", "source", "id", "stage"),
)
DISCARDED_LETTERS = Table(
    "discarded_letters",
    METADATA,
    _text("tenant"),
    _text("source"),
    _text("id"),
    _text("stage"),
    _text("recorded"),
    _text("writer"),
    _text("reason"),
    PrimaryKeyConstraint("tenant", "source", "id", "stage"),
    comment="dead letters that nobody need look at: who decided so, when and why; a row may come before its letter",
)
REBUILDS = Table(
    "rebuilds",
    METADATA,
    Column("subject", Text, primary_key=True),
    _text("phase"),
    _text("wanted"),
    _text("owner"),
    Column("epoch", BigInteger, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="the latest rebuild of a subject: who works on it (lease, epoch), and its record as JSON",
)


ID = "id"
"""A column's type where each value has 16 bytes; ``bytea`` to PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Columns that one statement writes, with their PostgreSQL types, or ``ID``."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]


_PG_TYPES = {
    LargeBinary: "bytea",
    Text: "text",
    BigInteger: "bigint",
    Integer: "int",
    Boolean: "bool",
    Double: "float8",
}


def shape_of(table: Table, *names: str) -> Shape:
    """Return all columns of a table, or those named."""
    columns = [table.columns[name] for name in names] or list(table.columns)
    return Shape(table.name, tuple(c.name for c in columns), tuple(_type_of(c.type) for c in columns))


def _type_of(type_: TypeEngine[Any]) -> str:
    return ID if isinstance(type_, LargeBinary) and type_.length else _PG_TYPES[type(type_)]


NO_ID = bytes(16)

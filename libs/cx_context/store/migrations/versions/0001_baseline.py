"""Create the tables of the first release."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _id(name: str, *, primary_key: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(16), nullable=False, primary_key=primary_key)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _time(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _tie(weight: str) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column(f"{weight}_recorded", sa.BigInteger),
        sa.Column(f"{weight}_source", sa.Text),
        sa.Column(f"{weight}_id", sa.Text),
        sa.Column(f"{weight}_rule", sa.Text),
    )


def upgrade() -> None:
    op.create_table(
        "events",
        _id("key", primary_key=True),
        _text("tenant"),
        _id("home"),
        _id("anchor"),
        _time("effective"),
        _time("recorded"),
        sa.Column("problem", sa.Text),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        comment="every event once: of several copies the least by (recorded, raw)",
    )
    op.create_index("events_by_home", "events", ["home", "effective"])
    op.create_table(
        "copies",
        _id("key"),
        _id("digest"),
        _text("tenant"),
        _time("recorded"),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", "digest"),
        comment="copies of an event whose content differs from the one that counts, or once did",
    )
    op.create_table(
        "parts",
        _id("anchor", primary_key=True),
        _text("tenant"),
        _id("home"),
        _id("interaction"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        postgresql_with={"fillfactor": 75},
        comment="an hour of one home's side of one interaction (cx_context.parts.model.Part as MessagePack in LZ4)",
    )
    op.create_index("parts_by_home", "parts", ["home"])
    op.create_index("parts_by_interaction", "parts", ["interaction"])
    op.create_table(
        "assignments",
        _id("anchor"),
        _text("kind"),
        _text("name"),
        _text("tenant"),
        _id("interaction"),
        sa.PrimaryKeyConstraint("anchor", "kind", "name"),
        comment="live sides of interactions by the desks that they concern (cx_context.routing_targets), "
        "written by their one writer",
    )
    op.create_index("assignments_by_desk", "assignments", ["tenant", "kind", "name"])
    op.create_table(
        "interactions",
        _id("node", primary_key=True),
        _text("tenant"),
        sqlite_with_rowid=False,
        comment="the first part of an interaction is announced here, so that two first writers see each other",
    )
    op.create_table(
        "profiles",
        _id("id", primary_key=True),
        _text("tenant"),
        _text("kind"),
        _text("scope"),
        _text("value"),
        _time("first_recorded"),
        _flag("attested"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "edges",
        _id("a"),
        _id("b"),
        _text("tenant"),
        *_tie("proved"),
        *_tie("asserted"),
        *_tie("claimed"),
        sa.PrimaryKeyConstraint("a", "b"),
        sqlite_with_rowid=False,
        comment="two identifiers of one person, with the earliest evidence of each weight",
    )
    op.create_index("edges_by_other_end", "edges", ["b"])
    op.create_table(
        "sightings",
        sa.Column("kind", sa.Integer, nullable=False),
        _id("a"),
        _id("b"),
        _id("key"),
        _text("tenant"),
        _time("effective"),
        _time("recorded"),
        _text("source"),
        _text("id"),
        _text("rule"),
        sa.PrimaryKeyConstraint("kind", "a", "b", "key"),
        comment="events that were the first to name a profile (a = b) or to tie two at some moment of the past",
    )
    op.create_table(
        "segments",
        _id("anchor"),
        _time("since"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("anchor", "since"),
        comment="a part of many facts, cut by effective time: since is the least that a segment may hold",
    )
    op.create_table(
        "link_events",
        _id("profile"),
        _id("key"),
        sa.PrimaryKeyConstraint("profile", "key"),
        sqlite_with_rowid=False,
        comment="events that name a profile and live elsewhere, so that evidence can be gathered again",
    )
    op.create_table(
        "decisions",
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
    )
    op.create_index("decisions_by_a", "decisions", ["a"])
    op.create_index("decisions_by_b", "decisions", ["b"])
    op.create_index("decisions_by_tenant", "decisions", ["tenant"])
    op.create_table(
        "attributions",
        _id("key", primary_key=True),
        _text("tenant"),
        _time("effective"),
        _time("recorded"),
        _text("source"),
        _text("id"),
        _id("interaction"),
        _id("profile"),
    )
    op.create_index("attributions_by_interaction", "attributions", ["interaction"])
    op.create_index("attributions_by_profile", "attributions", ["profile"])
    op.create_index("attributions_by_tenant", "attributions", ["tenant"])
    op.create_table(
        "rule_changes",
        _id("key", primary_key=True),
        _text("tenant"),
        _time("effective"),
        _time("recorded"),
        _text("source"),
        _text("id"),
        _text("rules"),
    )
    op.create_table(
        "members",
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
        sa.Column("confidence", sa.Integer, nullable=False),
        _id("via"),
        sqlite_with_rowid=False,
        comment="profiles that are not simply a customer of their own, and what they are "
        "(cx_identity.model.Resolution); written under the tenant's exclusive graph lock",
    )
    op.create_index("members_by_customer", "members", ["customer"])
    ambiguous = sa.text("ambiguous")
    op.create_index("members_ambiguous", "members", ["tenant"], postgresql_where=ambiguous, sqlite_where=ambiguous)
    op.create_table(
        "refused_claims",
        _id("identifier"),
        _id("other"),
        _text("tenant"),
        _text("reason"),
        _time("recorded"),
        _text("source"),
        _text("id"),
        _flag("settled"),
        sa.PrimaryKeyConstraint("identifier", "other"),
        sqlite_with_rowid=False,
        comment="claims that join nobody, for a person to look at: identifier is the weaker end, settled: a standing "
        "merge or dismissal names it; written under the tenant's exclusive graph lock",
    )
    op.create_index("refused_claims_by_other", "refused_claims", ["other"])
    op.create_index("refused_claims_by_tenant", "refused_claims", ["tenant", "identifier"])
    op.create_table(
        "withheld_claims",
        _id("identifier"),
        _id("other"),
        _text("tenant"),
        _time("recorded"),
        _text("source"),
        _text("id"),
        sa.PrimaryKeyConstraint("identifier", "other"),
        sqlite_with_rowid=False,
        comment="claims that are not tried, since an end is shared: questions for a person while the ends are two "
        "customers' and no shared end is settled; identifier is the weaker end; written under the tenant's exclusive "
        "graph lock",
    )
    op.create_index("withheld_claims_by_identifier", "withheld_claims", ["identifier", "recorded"])
    op.create_index("withheld_claims_by_other", "withheld_claims", ["other", "recorded"])
    op.create_table(
        "versions",
        _id("customer"),
        sa.Column("stripe", sa.Integer, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("customer", "stripe"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
        comment="a customer's version is the sum of its stripes; each partition has its own, so writers do not wait",
    )
    op.create_table(
        "partitions",
        _text("topic"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        _text("owner"),
        sa.Column("leased_until", sa.Double, nullable=False),
        sa.Column("moved_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("topic", "number"),
        postgresql_with={"fillfactor": 50},
        comment="who applies a partition (lease, epoch) and how far it is",
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("seen_until", sa.Double, nullable=False),
    )
    op.create_table(
        "outbox",
        _id("id", primary_key=True),
        _text("tenant"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("desks", sa.LargeBinary, nullable=False),
        comment="customers whose context a batch changed, and whose desks that concerns, for cx.context-changes",
    )
    op.create_table(
        "dead_letters",
        _text("tenant"),
        _text("source"),
        _text("id"),
        _text("stage"),
        _text("reason"),
        _text("detail"),
        _text("recorded"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source", "id", "stage"),
    )
    op.create_table(
        "breaking_changes",
        sa.Column("revision", sa.Text, primary_key=True),
        _text("least"),
        comment="revisions that did more than add; least: the oldest whose code can still be used",
    )

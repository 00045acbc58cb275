"""Create tables of lists and search, and of what keeps them up to date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    _listing_waiting()
    _listing_lease()
    _listing_fills()
    _listed_conversations()
    _listed_under()
    _listed_customers()
    _customer_words()
    _said()
    _said_words()


def _listing_waiting() -> None:
    op.create_table(
        "listing_waiting",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("customers", sa.LargeBinary, nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="customers and events of batches that are not in the lists yet: ids, one behind the other",
    )


def _listing_lease() -> None:
    op.create_table(
        "listing_lease",
        sa.Column("one", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("leased_until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("one"),
        comment="one row: which process keeps the lists",
    )


def _listing_fills() -> None:
    op.create_table(
        "listing_fills",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("made_with", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("filled_to", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        comment="by what a tenant's lists are made, and how far they were filled from what was there before",
    )


def _listed_conversations() -> None:
    op.create_table(
        "listed_conversations",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer", sa.LargeBinary(16), nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("waiting", sa.BigInteger, nullable=True),
        sa.Column("shown", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="each conversation of today as lists show it; waiting: since when its customer does",
    )
    op.create_index("listed_conversations_by_customer", "listed_conversations", ["customer"])
    op.create_index("listed_conversations_by_last", "listed_conversations", ["tenant", "state", "last", "id"])
    op.create_index("listed_conversations_by_opened", "listed_conversations", ["tenant", "state", "opened", "id"])
    op.create_index(
        "listed_conversations_by_waiting",
        "listed_conversations",
        ["tenant", "waiting", "id"],
        postgresql_where=sa.text("waiting IS NOT NULL"),
        sqlite_where=sa.text("waiting IS NOT NULL"),
    )


def _listed_under() -> None:
    op.create_table(
        "listed_under",
        sa.Column("conversation", sa.LargeBinary(16), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("customer", sa.LargeBinary(16), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("waiting", sa.BigInteger, nullable=True),
        sa.Column("held", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("conversation", "kind", "name", "source"),
        sqlite_with_rowid=False,
        comment="the channels, agents and queues of each conversation; held: since when it concerns one now",
    )
    op.create_index("listed_under_by_last", "listed_under", ["tenant", "kind", "name", "state", "last", "conversation"])
    op.create_index(
        "listed_under_by_opened", "listed_under", ["tenant", "kind", "name", "state", "opened", "conversation"]
    )
    op.create_index(
        "listed_under_by_waiting",
        "listed_under",
        ["tenant", "kind", "name", "waiting", "conversation"],
        postgresql_where=sa.text("waiting IS NOT NULL"),
        sqlite_where=sa.text("waiting IS NOT NULL"),
    )
    op.create_index(
        "listed_under_held",
        "listed_under",
        ["tenant", "kind", "name", "held"],
        postgresql_where=sa.text("held IS NOT NULL"),
        sqlite_where=sa.text("held IS NOT NULL"),
    )


def _listed_customers() -> None:
    op.create_table(
        "listed_customers",
        sa.Column("customer", sa.LargeBinary(16), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("customer"),
        comment="each customer of today as search shows them",
    )


def _customer_words() -> None:
    op.create_table(
        "customer_words",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("word", sa.LargeBinary, nullable=False),
        sa.Column("customer", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "word", "customer"),
        sqlite_with_rowid=False,
        comment="the words by which customers are found: of names, addresses, numbers, orders",
    )
    op.create_index("customer_words_by_customer", "customer_words", ["customer", "word"])


def _said() -> None:
    op.create_table(
        "said",
        sa.Column("key", sa.LargeBinary(16), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(16), nullable=False),
        sa.Column("interaction", sa.LargeBinary(16), nullable=False),
        sa.Column("effective", sa.BigInteger, nullable=False),
        sa.Column("message", sa.LargeBinary(16), nullable=False),
        sa.Column("what", sa.Integer, nullable=False),
        sa.Column("text_of", sa.LargeBinary(16), nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="events that hold words, and those that count today; text_of: the event whose text it is",
    )
    op.create_index("said_by_message", "said", ["message"])


def _said_words() -> None:
    op.create_table(
        "said_words",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("word", sa.LargeBinary, nullable=False),
        sa.Column("effective", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("key", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "word", "effective", "key"),
        sqlite_with_rowid=False,
        comment="the words by which what was said is found",
    )

"""Define the tables of lists and search (``cx_context.listing``), and what keeps them up to date.

Words are bytes (UTF-8), so that both databases order them alike, whatever their collation.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from cx_context.store.columns import METADATA, flag_column, id_column, only_where, text_column, time_column

LISTING_WAITING = Table(
    "listing_waiting",
    METADATA,
    id_column("id", primary_key=True),
    text_column("tenant"),
    Column("since", Double, nullable=False),
    Column("customers", LargeBinary, nullable=False),
    Column("events", LargeBinary, nullable=False),
    comment="customers and events of batches that are not in the lists yet: ids, one behind the other",
)
LISTING_LEASE = Table(
    "listing_lease",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    text_column("owner"),
    Column("leased_until", Double, nullable=False),
    comment="one row: which process keeps the lists",
)
LISTING_FILLS = Table(
    "listing_fills",
    METADATA,
    Column("tenant", Text, primary_key=True),
    text_column("made_with"),
    text_column("phase"),
    id_column("filled_to"),
    comment="by what a tenant's lists are made, and how far they were filled from what was there before",
)
LISTED_CONVERSATIONS = Table(
    "listed_conversations",
    METADATA,
    id_column("id", primary_key=True),
    text_column("tenant"),
    id_column("customer"),
    Column("state", Integer, nullable=False),
    time_column("opened"),
    time_column("last"),
    Column("waiting", BigInteger),
    Column("shown", LargeBinary, nullable=False),
    Index("listed_conversations_by_customer", "customer"),
    Index("listed_conversations_by_last", "tenant", "state", "last", "id"),
    Index("listed_conversations_by_opened", "tenant", "state", "opened", "id"),
    Index("listed_conversations_by_waiting", "tenant", "waiting", "id", **only_where("waiting IS NOT NULL")),
    comment="each conversation of today as lists show it; waiting: since when its customer does",
)
LISTED_UNDER = Table(
    "listed_under",
    METADATA,
    id_column("conversation"),
    text_column("kind"),
    text_column("name"),
    text_column("source"),
    text_column("tenant"),
    id_column("customer"),
    text_column("label"),
    Column("state", Integer, nullable=False),
    time_column("opened"),
    time_column("last"),
    Column("waiting", BigInteger),
    Column("held", BigInteger),
    PrimaryKeyConstraint("conversation", "kind", "name", "source"),
    Index("listed_under_by_last", "tenant", "kind", "name", "state", "last", "conversation"),
    Index("listed_under_by_opened", "tenant", "kind", "name", "state", "opened", "conversation"),
    Index(
        "listed_under_by_waiting", "tenant", "kind", "name", "waiting", "conversation",
        **only_where("waiting IS NOT NULL"),
    ),
    Index("listed_under_held", "tenant", "kind", "name", "held", **only_where("held IS NOT NULL")),
    sqlite_with_rowid=False,
    comment="the channels, agents and queues of each conversation; held: since when it concerns one now",
)  # fmt: skip
WAITS = Table(
    "waits",
    METADATA,
    id_column("contact", primary_key=True),
    text_column("tenant"),
    id_column("customer"),
    id_column("conversation"),
    text_column("queue"),
    text_column("source"),
    time_column("since"),
    Column("shown", LargeBinary, nullable=False),
    flag_column("is_over"),
    Index("waits_by_customer", "customer"),
    Index("waits_by_since", "tenant", "is_over", "queue", "since"),
    comment="each contact of today whose customer waits, and its queue; is_over: longer than that queue's bound",
)
LISTED_CUSTOMERS = Table(
    "listed_customers",
    METADATA,
    id_column("customer", primary_key=True),
    text_column("tenant"),
    time_column("last"),
    Column("shown", LargeBinary, nullable=False),
    comment="each customer of today as search shows them",
)
CUSTOMER_WORDS = Table(
    "customer_words",
    METADATA,
    text_column("tenant"),
    Column("word", LargeBinary, nullable=False),
    id_column("customer"),
    PrimaryKeyConstraint("tenant", "word", "customer"),
    Index("customer_words_by_customer", "customer", "word"),
    sqlite_with_rowid=False,
    comment="the words by which customers are found: of names, addresses, numbers, orders",
)
SAID = Table(
    "said",
    METADATA,
    id_column("key", primary_key=True),
    text_column("tenant"),
    id_column("stream_id"),
    id_column("interaction"),
    time_column("effective"),
    id_column("message"),
    Column("what", Integer, nullable=False),
    id_column("text_of"),
    Column("words", LargeBinary, nullable=False),
    Index("said_by_message", "message"),
    comment="events that hold words, and those that count today; text_of: the event whose text it is",
)
SAID_WORDS = Table(
    "said_words",
    METADATA,
    text_column("tenant"),
    Column("word", LargeBinary, nullable=False),
    time_column("effective"),
    id_column("key"),
    PrimaryKeyConstraint("tenant", "word", "effective", "key"),
    sqlite_with_rowid=False,
    comment="the words by which what was said is found",
)
OF_LISTS = (LISTED_CONVERSATIONS, LISTED_UNDER, WAITS, LISTED_CUSTOMERS, CUSTOMER_WORDS, SAID, SAID_WORDS)

"""The log port: an append-only, partitioned, durable sequence of records, and readers that keep their own offsets.

    log = open_log("sqlite:///.cx/log.db")            # or kafka://HOST:PORT
    await log.append([Record(topic, key, value)])     # durable when it returns
    reader = log.reader(); reader.assign({Partition(topic, 0): 0}); await reader.read(500)

Records with equal key share a partition, in order of append. Offsets rise by at least one; they may have gaps (Kafka's
control records). A position is the offset of the next record to read. Nothing is ever deleted. Implementations:
``sqlite`` (one machine) and ``kafka``; both pass ``cx_events.testing.log_contract``.
"""

from cx_events.log.port import (
    CONTEXT_CHANGES,
    DEAD_LETTERS,
    INTERACTIONS,
    STORES,
    TOPICS,
    Log,
    LogReader,
    LogRecord,
    Partition,
    Record,
    RecordMetadata,
)

__all__ = [
    "CONTEXT_CHANGES",
    "DEAD_LETTERS",
    "INTERACTIONS",
    "STORES",
    "TOPICS",
    "Log",
    "LogReader",
    "LogRecord",
    "Partition",
    "Record",
    "RecordMetadata",
]

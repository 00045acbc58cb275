"""Keep the log: append-only, partitioned, durable records, and readers whose callers keep the offsets.

    log = open_log("sqlite:///.cx/log.db")            # or kafka://HOST:PORT
    await log.append([Record(topic, key, value)])     # durable when it returns
    reader = log.reader(); reader.assign({Partition(topic, 0): 0}); await reader.read(500)

Records of one key share a partition, in order of append. Offsets rise by at least one; they may have gaps (Kafka's
control records). An assigned offset is that of the next record to read. Nothing is ever deleted. Both implementations,
SQLite for one machine and Kafka, pass ``cx_events.testing.log_contract``.

Modules: ``port`` (what a log does, its topics and limits), ``headers`` (what makes records CloudEvents on Kafka),
``declarations`` (how topics are kept), ``open`` (from a URL to a log), ``topic_states`` (how topics are kept on a
broker or in a file, and changes of that); ``sqlite``, with ``sqlite_file``, ``sqlite_writer``, ``sqlite_reader``,
``wake`` (readers that wait for an append) and ``file_changes`` (whether a waiting reader looks into the file);
``kafka``, with ``kafka_access`` (addresses, TLS, credentials),
``kafka_topics``, ``kafka_producer`` and ``kafka_reader``; ``partition_reader`` (one partition up to an end),
``merged_reader`` (several as one sequence); ``sqlite_copy`` (backups of such a file); ``same_log`` (whether two URLs
name one log).
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
    ends_of,
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
    "ends_of",
]

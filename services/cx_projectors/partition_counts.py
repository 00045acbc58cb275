"""Refuse a log whose topics have other partitions than when the store was filled from it, and find records that lie in
another partition than their key's. Pure.

A part has one writer, the owner of its stream's partition, and a stream's partition is its key modulo their number.
With another number a stream lies in two partitions, whose owners would overwrite each other's parts: see
docs/decisions/0052-partitions-stay.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from zlib import crc32

from cx_events.errors import Fatal, TryLater
from cx_events.log import LogRecord, Partition


def check_partition_counts(known: Iterable[Partition], counts: Mapping[str, int]) -> None:
    """``known``: the partitions that the store has rows of. ``counts``: how many each topic has on the log.

    Raises ``Fatal`` where a topic has more than the store knows. Raises ``TryLater`` where it has fewer: a broker may
    be away, or the topic was made anew with fewer.
    """
    stored = Counter(partition.topic for partition in known)
    for topic, count in counts.items():
        if not stored[topic] or stored[topic] == count:
            continue
        told = f"{topic} has {count} partitions on the log, and this store was filled from {stored[topic]}"
        if count < stored[topic]:
            raise TryLater("log", told)
        raise Fatal(
            f"{told}: with more, two workers would write the same contexts. Nothing is applied; what was sent since is "
            "on the log. Move the hub to a new log with as many partitions as you want (cx export log, cx import log; "
            'docs/operators.md, "More partitions")'
        )


def find_misplaced(records: Iterable[LogRecord], count: int) -> list[LogRecord]:
    """Return the records that lie in another partition than their key's: no hub has written them. ``count``: how many
    partitions their topic has."""
    return [each for each in records if crc32(each.key) % count != each.partition]

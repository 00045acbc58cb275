"""Read the log bit by bit up to offsets that rise, into a file and groups; go on where a process was killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from cx_events.log import INTERACTIONS, Log, LogRecord, Partition
from cx_events.log.partition_reader import PartitionReader
from cx_identity.model import Decision
from cx_identity.rules import RulesChange
from cx_projectors.classify import ClassifiedEvent
from cx_projectors.epoch_announcements import Announcement, announcement_of
from cx_projectors.records import TOPICS
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify.groups import Groups, nodes_of
from cx_projectors.verify.log_contents import OtherRecords, event_in
from cx_projectors.verify.spools import Spool, read_items

READ_AT_ONCE = 2000

_HEADERS = LogRecord._fields.index("headers")
"""Where the headers begin, of which nothing is made."""

Told = Callable[[int], Awaitable[None]]
"""Hears how many records, rows or events more were worked on; may wait."""

ORDINARY, RULES, WITHDRAWAL = 0, 1, 2
"""What an event is to the rules of identity: nothing, a change of them, or what may withdraw one."""


class LogReading:
    """The reading of a log, as far as it is. ``others``: records that are no events. ``records``: how many of the
    interactions. ``begins``: of partitions that do not begin at 0 any more, where they do."""

    def __init__(self, log: Log, tenants: Mapping[str, Tenancy], path: Path, told: Told) -> None:
        """``path``: of the file that all records are written to; one that is there is gone on with."""
        self._log = log
        self._tenants = tenants
        self._spool = Spool(path)
        self._told = told
        self._at: dict[Partition, int] = {}
        self._about_rules: list[tuple[bytes, bool, LogRecord]] = []
        self.groups = Groups()
        self.others = OtherRecords()
        self.records = 0
        self.begins: dict[Partition, int] = {}
        for record, nodes, kind in read_records(path):
            self._count(record, nodes, kind)

    def left(self, upto: Mapping[Partition, int], ends: Mapping[Partition, int]) -> int:
        """Return how many offsets are to be read before these. What the log has not is not to be read."""
        return sum(
            max(0, min(end, ends[partition]) - self._at.get(partition, 0))
            for partition, end in upto.items()
            if partition in ends
        )

    async def read(self, upto: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        """Read up to these offsets, or the log's ends. Partitions that the log has not are passed over."""
        for topic in TOPICS:
            begins = await self._log.begin_offsets(topic)
            self.begins |= {Partition(topic, number): begin for number, begin in begins.items() if begin}
        for partition, end in sorted(upto.items()):
            at = max(self._at.get(partition, 0), self.begins.get(partition, 0))
            # A reader of a log that ends before the offset would wait for records that nobody writes.
            reachable = min(end, ends.get(partition, 0))
            if reachable > at:
                async for records in self._read_partition(partition, at, reachable):
                    for record in records:
                        self._add(record)
                    await self._told(len(records))
                # What lies before an end may be no records: a broker's own marks of transactions.
                self._at[partition] = reachable
        self._spool.flush()

    async def _read_partition(self, partition: Partition, at: int, upto: int) -> AsyncIterator[list[LogRecord]]:
        reader = PartitionReader(self._log.reader(), partition, at, upto)
        try:
            while records := await reader.read(READ_AT_ONCE, wait=2.0):
                yield records
        finally:
            await reader.close()

    def _add(self, record: LogRecord) -> None:
        event = event_in(record, self._tenants)
        nodes, kind = [], ORDINARY
        if event is not None:
            nodes = nodes_of(event, self._tenants[event.fact.event.tenantid].ids)
            kind = _kind_of(event)
        self._spool.add((record[:_HEADERS], nodes, kind), len(record.value) + 17 * len(nodes))
        self._count(record, nodes, kind)

    def _count(self, record: LogRecord, nodes: list[bytes], kind: int) -> None:
        self.records += record.topic == INTERACTIONS
        self._at[Partition(record.topic, record.partition)] = record.offset + 1
        if not nodes:
            self.others.add(record, self._tenants)
            return
        self.groups.add(nodes)
        if kind:
            self._about_rules.append((nodes[0], kind == RULES, record))

    def changes_of_rules(self) -> list[LogRecord]:
        """Return the changes of rules, and what withdraws them: they concern every group of their tenant."""
        changes = [key for key, is_change, _ in self._about_rules if is_change]
        return [
            record
            for key, is_change, record in self._about_rules
            if is_change or any(self.groups.are_one(key, change) for change in changes)
        ]

    async def ends(self) -> dict[Partition, int]:
        """Return where each partition of the topics that projectors apply ends."""
        return {
            Partition(topic, number): end
            for topic in TOPICS
            for number, end in (await self._log.end_offsets(topic)).items()
        }

    async def announcement_of(self, epoch: int) -> Announcement:
        """Read the record that gave an epoch, as ``epoch_announcements.announcement_of`` does."""
        return await announcement_of(self._log, epoch)

    async def keys_beyond(
        self, offsets: Mapping[Partition, int], most: int = READ_AT_ONCE
    ) -> dict[Partition, set[bytes]]:
        """Return the keys of the events that follow these offsets, up to ``most`` records of each partition."""
        found: dict[Partition, set[bytes]] = {}
        for partition, end in (await self.ends()).items():
            at = max(offsets.get(partition, 0), self.begins.get(partition, 0))
            if partition.topic == INTERACTIONS and at < end:
                found[partition] = set()
                async for records in self._read_partition(partition, at, min(end, at + most)):
                    events = (event_in(record, self._tenants) for record in records)
                    found[partition] |= {event.fact.key for event in events if event is not None}
        return found


def read_records(path: Path) -> Iterator[tuple[LogRecord, list[bytes], int]]:
    """Yield the records of a file in order: each with its nodes, none for one that is no event."""
    for fields, nodes, kind in read_items(path):
        yield LogRecord(*fields), nodes, kind


def _kind_of(event: ClassifiedEvent) -> int:
    decision = event.decision
    if isinstance(decision, RulesChange):
        return RULES
    return WITHDRAWAL if isinstance(decision, Decision) and decision.withdraws else ORDINARY

"""Read the log for ``cx verify``: every event and each of its copies, and what is no event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cx_context.store.dead_letters import LetterKey
from cx_events.codec import decode_leniently
from cx_events.dead_letters import DeadLetter
from cx_events.ids import IdSpace, event_key
from cx_events.log import INTERACTIONS, Log, LogRecord, Partition
from cx_projectors.classify import ClassifiedEvent
from cx_projectors.epoch_announcements import Announcement, announcement_of
from cx_projectors.letters import key_of_letter
from cx_projectors.records import TOPICS, read_batch
from cx_projectors.tenancy import Tenancy

READ_AT_ONCE = 2000
UNKNOWN_TENANT = "unknown-tenant"


@dataclass(slots=True)
class UnknownTenantEvent:
    """An event of a tenant that is not configured. ``key``: the event's key."""

    tenant: str
    key: bytes


@dataclass(slots=True)
class LogContents:
    """The contents of the log, as far as it was read.

    ``counting``: by event key, the copy of each event that counts. ``other_copies``: those that differ from it by a
    byte. ``letters``: dead letters by key; of several with one key the one that was applied first stands.
    ``discards``: of dead letters, by key. ``of_unknown_tenants``: by the key of their dead letters. ``records``: how
    many were read.
    """

    counting: dict[bytes, ClassifiedEvent] = field(default_factory=dict)
    other_copies: dict[bytes, list[ClassifiedEvent]] = field(default_factory=dict)
    letters: dict[LetterKey, list[DeadLetter]] = field(default_factory=dict)
    discards: dict[LetterKey, list[DeadLetter]] = field(default_factory=dict)
    of_unknown_tenants: dict[LetterKey, UnknownTenantEvent] = field(default_factory=dict)
    records: int = 0

    def add(self, record: LogRecord, tenants: Mapping[str, Tenancy]) -> None:
        """Read one more record, as a projector does."""

        def ids_of(tenant: str) -> IdSpace | None:
            return tenants[tenant].ids if tenant in tenants else None

        batch = read_batch([record], ids_of)
        self.records += record.topic == INTERACTIONS
        for key in batch.settled:
            self.letters.pop(key, None)
        for discard in batch.discarded:
            self.discards.setdefault(key_of_letter(discard), []).append(discard)
        for letter in batch.unsettled:
            key = key_of_letter(letter)
            self.letters.setdefault(key, []).append(letter)
            if letter.reason == UNKNOWN_TENANT and record.topic == INTERACTIONS:
                event, _ = decode_leniently(record.value)
                event_id = event_key(event.tenantid, event.source, event.id)
                self.of_unknown_tenants[key] = UnknownTenantEvent(event.tenantid, event_id)
        for classified in batch.events.values():
            self._add_event(classified)

    def _add_event(self, event: ClassifiedEvent) -> None:
        key = event.fact.key
        known = self.counting.get(key)
        if known is None:
            self.counting[key] = event
            return
        others = self.other_copies.get(key, [])
        if any(event.fact.raw == other.fact.raw for other in (known, *others)):
            return
        if event.fact.copy_order < known.fact.copy_order:
            self.counting[key], event = event, known
        self.other_copies.setdefault(key, []).append(event)

    @property
    def all_copies(self) -> list[ClassifiedEvent]:
        """Return every copy of every event."""
        return [*self.counting.values(), *(other for others in self.other_copies.values() for other in others)]


class LogReading:
    """The log, read bit by bit up to offsets that rise."""

    def __init__(self, log: Log, tenants: Mapping[str, Tenancy]) -> None:
        self._log = log
        self._tenants = tenants
        self._at: dict[Partition, int] = {}
        self.contents = LogContents()
        self.begins: dict[Partition, int] = {}

    async def read(self, upto: Mapping[Partition, int]) -> None:
        """Read up to these offsets, or the log's end. Partitions that the log has not are passed over; where a log
        does not begin at 0 any more, ``begins`` says where."""
        ends = await self.ends()
        for topic in TOPICS:
            begins = await self._log.begin_offsets(topic)
            self.begins |= {Partition(topic, number): begin for number, begin in begins.items() if begin}
        for partition, end in sorted(upto.items()):
            at = self._at.get(partition, self.begins.get(partition, 0))
            if partition in ends and end > at:
                self._at[partition] = await self._read_partition(partition, at, end, self.contents)

    async def _read_partition(self, partition: Partition, at: int, upto: int, contents: LogContents) -> int:
        """Read one partition from an offset to another; return the offset that was reached."""
        records = self._log.reader()
        try:
            records.assign({partition: at})
            while at < upto:
                batch = await records.read(READ_AT_ONCE, wait=2.0)
                if not batch:
                    break
                for record in batch:
                    if record.offset >= upto:
                        return upto
                    at = record.offset + 1
                    contents.add(record, self._tenants)
        finally:
            await records.close()
        return at

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
                contents = LogContents()
                await self._read_partition(partition, at, min(end, at + most), contents)
                found[partition] = set(contents.counting)
        return found

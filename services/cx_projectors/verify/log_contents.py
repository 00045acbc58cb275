"""What the log tells, as far as it was read: every event and each of its copies, and what is no event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cx_context.store.dead_letters import LetterKey
from cx_events.codec import decode_leniently
from cx_events.dead_letters import DeadLetter
from cx_events.facts import Fact
from cx_events.ids import IdSpace, event_key
from cx_events.log import INTERACTIONS, Log, LogRecord, Partition
from cx_projectors.epoch_announcements import Announcement, announcement_of
from cx_projectors.records import TOPICS, ClassifiedEvent, letter_key, read_batch
from cx_projectors.tenancy import Tenancy

READ_AT_ONCE = 2000
UNKNOWN_TENANT = "unknown-tenant"


@dataclass(slots=True)
class UnknownTenantEvent:
    """A record of a tenant that is not configured. ``event``: the event's key."""

    tenant: str
    event: bytes


@dataclass(slots=True)
class LogContents:
    """``counting``: of each event the copy that counts, by event key; ``others``: the other copies that differ from it
    by a byte. ``letters``: what is a dead letter, by what it is known by: of several the one that was applied first
    stands. ``unread``: by the key of their dead letters. ``records``: how many were read."""

    counting: dict[bytes, ClassifiedEvent] = field(default_factory=dict)
    others: dict[bytes, list[ClassifiedEvent]] = field(default_factory=dict)
    letters: dict[LetterKey, list[DeadLetter]] = field(default_factory=dict)
    unread: dict[LetterKey, UnknownTenantEvent] = field(default_factory=dict)
    records: int = 0

    def take(self, record: LogRecord, tenants: Mapping[str, Tenancy]) -> None:
        """Read one more record, as a projector does."""

        def ids_of(tenant: str) -> IdSpace | None:
            return tenants[tenant].ids if tenant in tenants else None

        batch = read_batch([record], ids_of)
        self.records += record.topic == INTERACTIONS
        for known_by in batch.settled:
            self.letters.pop(known_by, None)
        for letter in batch.unsettled:
            known_by = letter_key(letter.tenant, letter.source, letter.id, letter.stage)
            self.letters.setdefault(known_by, []).append(letter)
            if letter.reason == UNKNOWN_TENANT and record.topic == INTERACTIONS:
                event, _ = decode_leniently(record.value)
                self.unread[known_by] = UnknownTenantEvent(
                    event.tenantid, event_key(event.tenantid, event.source, event.id)
                )
        for key, incoming in batch.facts.items():
            self._add(key, incoming)

    def _add(self, key: bytes, incoming: ClassifiedEvent) -> None:
        known = self.counting.get(key)
        if known is None:
            self.counting[key] = incoming
            return
        others = self.others.get(key, [])
        if any(incoming.fact.raw == other.fact.raw for other in (known, *others)):
            return
        if incoming.fact.copy_order < known.fact.copy_order:
            self.counting[key], incoming = incoming, known
        self.others.setdefault(key, []).append(incoming)

    @property
    def facts(self) -> list[Fact]:
        return [incoming.fact for incoming in self.counting.values()]

    @property
    def all_copies(self) -> list[Fact]:
        return self.facts + [other.fact for others in self.others.values() for other in others]


class LogReading:
    """The log, read bit by bit up to offsets that rise."""

    def __init__(self, log: Log, tenants: Mapping[str, Tenancy]) -> None:
        self._log = log
        self._tenants = tenants
        self._at: dict[Partition, int] = {}
        self.told = LogContents()

    async def read(self, done: Mapping[Partition, int]) -> None:
        """Up to these offsets, or the log's end. Partitions that the log has not are passed over."""
        ends = await self.ends()
        for partition, upto in sorted(done.items()):
            if partition in ends and upto > self._at.get(partition, 0):
                self._at[partition] = await self._read_to(partition, self._at.get(partition, 0), upto, self.told)

    async def _read_to(self, partition: Partition, at: int, upto: int, told: LogContents) -> int:
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
                    told.take(record, self._tenants)
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
        """As ``announced.announcement_of``."""
        return await announcement_of(self._log, epoch)

    async def just_beyond(self, done: Mapping[Partition, int], most: int = READ_AT_ONCE) -> dict[Partition, set[bytes]]:
        """Return the keys of the events that follow these offsets, up to ``most`` records of each partition."""
        found: dict[Partition, set[bytes]] = {}
        for partition, end in (await self.ends()).items():
            at = done.get(partition, 0)
            if partition.topic == INTERACTIONS and at < end:
                told = LogContents()
                await self._read_to(partition, at, min(end, at + most), told)
                found[partition] = set(told.counting)
        return found

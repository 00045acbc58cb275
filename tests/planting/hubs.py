"""Small hubs on real parts: a log that a random history was appended to, a store that it was applied to, and blobs."""

# mypy: allow-untyped-calls

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from tests.planting.histories import CONTENTS, history, letters
from tests.projection import CHECKED, TENANTS

from cx_context.store import Store, open_store, segments
from cx_events.blob.folder import FolderBlobs
from cx_events.log import DEAD_LETTERS, INTERACTIONS, STORES, TOPICS, Log, LogRecord, Partition, Record
from cx_events.log.kafka import KafkaLog
from cx_events.log.sqlite import SqliteLog
from cx_projectors.catch_up import CatchUp
from cx_projectors.store_epoch import open_store_epoch
from cx_projectors.verify import Findings, verify

PARTITIONS = 2
TENANT = "acme"

Change = Callable[[list[LogRecord]], Sequence[LogRecord]]
"""Returns the records of a partition as somebody left them."""


@dataclass
class Hub(ABC):
    """A log, a store that all of it was applied to, and the blobs that its events name."""

    log: Log
    store: Store
    blobs: FolderBlobs

    async def verified(self) -> Findings:
        return await verify(self.store, self.log, CHECKED, self.blobs)

    async def records(self, topic: str) -> list[LogRecord]:
        """All records of a topic."""
        found: list[LogRecord] = []
        for number, end in (await self.log.end_offsets(topic)).items():
            reader = self.log.reader()
            reader.assign({Partition(topic, number): 0})
            while end and (not found or found[-1].partition != number or found[-1].offset < end - 1):
                found += await reader.read(1000)
            await reader.close()
        return found

    @abstractmethod
    async def rewrite(self, topic: str, change: Change) -> None:
        """Let somebody change what lies on the log."""

    @abstractmethod
    async def cut(self, topic: str, partition: int, before: int) -> None:
        """Let the records before an offset go, as a retention that is too short does."""


class EmbeddedHub(Hub):
    """On SQLite: the file of the log is changed in place, and offsets stay."""

    def _change(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        assert isinstance(self.log, SqliteLog)
        with closing(sqlite3.connect(self.log.path)) as connection, connection:
            connection.executemany(statement, rows)

    def _rowid(self, record: LogRecord) -> int:
        assert isinstance(self.log, SqliteLog)
        return self.log.topic(record.topic).base(record.partition) + record.offset

    async def rewrite(self, topic: str, change: Change) -> None:
        before = await self.records(topic)
        after = {self._rowid(record): record for record in change(before)}
        self._change("DELETE FROM records WHERE id = ?", [(self._rowid(each),) for each in before])
        self._change(
            "INSERT INTO records (id, key, value, timestamp) VALUES (?, ?, ?, ?)",
            [(id, each.key, each.value, each.timestamp) for id, each in sorted(after.items())],
        )

    async def cut(self, topic: str, partition: int, before: int) -> None:
        await self.rewrite(topic, lambda found: [r for r in found if r.partition != partition or r.offset >= before])


class ServersHub(Hub):
    """On Kafka and PostgreSQL: nothing on Kafka can be changed in place, so the log is copied to other topics, as a
    restored one is, with the change."""

    async def rewrite(self, topic: str, change: Change) -> None:
        assert isinstance(self.log, KafkaLog)
        changed = {each: await self.records(each) for each in (INTERACTIONS, DEAD_LETTERS, STORES)}
        changed[topic] = list(change(changed[topic]))
        old, self.log = self.log, KafkaLog(self.log.servers, PARTITIONS, prefix=f"planted-{uuid4().hex[:12]}.")
        await self.log.start()
        for records in changed.values():
            await self.log.append([Record(each.topic, each.key, each.value) for each in records])
        await _delete_topics(old)

    async def cut(self, topic: str, partition: int, before: int) -> None:
        assert isinstance(self.log, KafkaLog)
        async with _admin(self.log) as admin:
            where = TopicPartition(self.log.prefix + topic, partition)
            await admin.delete_records({where: RecordsToDelete(before_offset=before)})


@contextmanager
def short_segments() -> Iterator[None]:
    """Parts are cut after a few facts, so that small hubs have segments."""
    usual, segments.SEGMENT_FACTS = segments.SEGMENT_FACTS, 4
    try:
        yield
    finally:
        segments.SEGMENT_FACTS = usual


@asynccontextmanager
async def embedded_hub(folder: Path, store_url: str, random: Random) -> AsyncIterator[Hub]:
    """A hub whose log and blobs are in a folder. ``store_url``: of an empty store on SQLite."""
    async with _opened(SqliteLog(folder / "log.db", PARTITIONS), store_url) as (log, store):
        yield await _filled(EmbeddedHub(log, store, FolderBlobs(folder / "blobs")), random)


@asynccontextmanager
async def servers_hub(folder: Path, kafka: str, store_url: str, random: Random) -> AsyncIterator[Hub]:
    """A hub on topics of its own. ``kafka``: ``HOST:PORT``; ``store_url``: of an empty store on PostgreSQL."""
    log = KafkaLog(kafka, PARTITIONS, prefix=f"planted-{uuid4().hex[:12]}.")
    async with _opened(log, store_url) as (opened, store):
        hub = ServersHub(opened, store, FolderBlobs(folder / "blobs"))
        try:
            yield await _filled(hub, random)
        finally:
            assert isinstance(hub.log, KafkaLog)
            await _delete_topics(hub.log)


@asynccontextmanager
async def _opened(log: Log, store_url: str) -> AsyncIterator[tuple[Log, Store]]:
    store = open_store(store_url)
    await log.start()
    await store.start()
    try:
        yield log, store
    finally:
        await store.stop()
        await log.stop()


async def _filled(hub: Hub, random: Random) -> Hub:
    await hub.blobs.start()
    for content in CONTENTS:
        await hub.blobs.put(TENANT, content)
    await open_store_epoch(hub.store, hub.log, begins=True)
    told = history(random)
    await hub.log.append([Record(INTERACTIONS, each.key, each.raw) for each in told])
    await hub.log.append([Record(INTERACTIONS, b"none", b"no event")])
    await hub.log.append([Record(DEAD_LETTERS, b"letters", each) for each in letters()])
    ends = {
        Partition(topic, number): end
        for topic in (INTERACTIONS, DEAD_LETTERS)
        for number, end in (await hub.log.end_offsets(topic)).items()
    }
    work = CatchUp(hub.store, hub.log, TENANTS, "planted", _nothing, batch=random.randrange(3, 40))
    await work.apply_until(ends)
    await work.close()
    return hub


async def _nothing() -> None:
    return None


@asynccontextmanager
async def _admin(log: KafkaLog) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=log.servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _delete_topics(log: KafkaLog) -> None:
    await log.stop()
    async with _admin(log) as admin:
        await admin.delete_topics([log.prefix + topic for topic in TOPICS])

"""The store held against the log: what is wrong is named, and nothing of it lasts too long for the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.patience import PATIENCE
from tests.projection import CHECKED, OTHER, TENANTS, Worker, workers

from cx_context.store import Store, open_store
from cx_context.store.all_tables import METADATA
from cx_context.store.tables import STORE_EPOCH
from cx_events.ids import event_key
from cx_events.log import INTERACTIONS, LogReader, LogRecord, Partition, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.log.sqlite_reader import SqliteReader
from cx_events.testing.builders import SECOND, START, an_event
from cx_projectors.dead_letters import place_of
from cx_projectors.store_epoch import open_store_epoch
from cx_projectors.verify import Findings, verify

PARTITIONS = 2


@pytest.fixture
async def log(sqlite_log_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(sqlite_log_path, PARTITIONS)
    await log.start()
    yield log
    await log.stop()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


def messages(*numbers: int) -> list[Record]:
    told = [
        an_event(id=f"m-{n}", email=f"p{n % 5}@example.com", interaction=f"chat-{n % 5}", at=START + n * SECOND)
        for n in numbers
    ]
    return [Record(INTERACTIONS, each.key, each.raw) for each in told]


async def all_of(log: SqliteLog) -> list[list[LogRecord]]:
    logs: list[list[LogRecord]] = [[] for _ in range(PARTITIONS)]
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, number): 0 for number in range(PARTITIONS)})
    while batch := await reader.read(1000, wait=0.0):
        for record in batch:
            logs[record.partition].append(record)
    await reader.close()
    return logs


async def applied(store: Store, log: SqliteLog) -> Worker:
    await open_store_epoch(store, log, begins=True)
    (worker,) = await workers(store, await all_of(log), 1)
    while worker.behind:
        await worker.step(100)
    return worker


async def test_verify_checks_applied_events_and_counts_those_behind(store: Store, log: SqliteLog) -> None:
    await log.append(messages(*range(40), 3))
    await applied(store, log)
    await log.append(messages(*range(40, 50)))
    findings = await verify(store, log, CHECKED)
    assert findings == Findings(events=40, records=41, customers=5, behind=10)


async def test_verify_names_missing_and_surplus_rows(store: Store, log: SqliteLog, tmp_path: Path) -> None:
    await log.append(messages(*range(10)))
    await applied(store, log)
    async with store.writing() as tx:
        await tx.execute("DELETE FROM events WHERE key IN (SELECT key FROM events ORDER BY effective LIMIT 1)")
    wrong = (await verify(store, log, CHECKED)).wrong
    key = event_key("acme", "//acme.example/chat", "m-0")
    (place,) = (each for records in await all_of(log) for each in records if b'"m-0"' in each.value)
    assert f"events {key.hex()}: the row is missing ({place_of(place)})" in wrong

    shorter = SqliteLog(tmp_path / "shorter.db", PARTITIONS)
    await shorter.start()
    await shorter.append(messages(0))
    wrong = (await verify(store, shorter, CHECKED)).wrong
    assert any("was applied up to" in each and "but the log ends at" in each for each in wrong)
    assert any("the event is not on the log up to what was applied" in each for each in wrong)
    await shorter.stop()


async def test_verify_waits_for_no_records_beyond_the_logs_end(
    store: Store, log: SqliteLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append(messages(*range(10)))
    await applied(store, log)
    shorter = SqliteLog(tmp_path / "shorter.db", PARTITIONS)
    await shorter.start()
    await shorter.append(messages(0))
    monkeypatch.setattr("cx_events.log.partition_reader.QUIET_SECONDS", float("inf"))
    monkeypatch.setattr("cx_projectors.verify.run.READ_AT_ONCE", 0)
    async with asyncio.timeout(PATIENCE):
        wrong = (await verify(store, shorter, CHECKED)).wrong
    assert any("but the log ends at" in each for each in wrong)
    await shorter.stop()


async def test_verify_accepts_a_tenant_configured_later_or_removed(store: Store, log: SqliteLog) -> None:
    others = [
        an_event(id=f"o-{n}", email=f"o{n}@example.com", interaction=f"chat-{n}", text="hi", ids=OTHER)
        for n in range(4)
    ]
    await log.append([*messages(*range(6)), *(Record(INTERACTIONS, each.key, each.raw) for each in others)])
    both, one = CHECKED, {"acme": CHECKED["acme"]}
    await applied(store, log)
    assert (await verify(store, log, one)).wrong == []
    assert (await verify(store, log, both)).wrong == []

    async with store.writing() as tx:
        for table in set(METADATA.sorted_tables) - {STORE_EPOCH}:
            await tx.execute(f"DELETE FROM {table.name}")
    (worker,) = await workers(store, await all_of(log), 1)
    worker.configured = {"acme": TENANTS["acme"]}
    while worker.behind:
        await worker.step(100)
    assert (await verify(store, log, one)).wrong == []
    assert (await verify(store, log, both)).wrong == []
    async with store.writing() as tx:
        await tx.execute("DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters LIMIT 1)")
    assert len((await verify(store, log, one)).wrong) == 1
    assert (await verify(store, log, both)).wrong


class WatchedLog(SqliteLog):
    """Its readers look, at each read, which transactions stand open on the database and do nothing."""

    database = ""
    idle: int = 0

    def reader(self) -> LogReader:
        return WatchedReader(self)


class WatchedReader(SqliteReader):
    def __init__(self, log: WatchedLog) -> None:
        super().__init__(log.path, log.topic, log._wakes)
        self._watched = log

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        server = await asyncpg.connect(self._watched.database.replace("+asyncpg", ""))
        self._watched.idle += await server.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )
        await server.close()
        return await super().read(max_records, max_bytes=max_bytes, wait=wait)


@pytest.mark.postgres
async def test_no_transaction_stands_open_while_the_log_is_read(tmp_path: Path, postgres_database: str) -> None:
    log = WatchedLog(tmp_path / "watched.db", PARTITIONS)
    log.database = postgres_database
    await log.start()
    store = open_store(postgres_database)
    await store.start()
    await log.append(messages(*range(20)))
    await applied(store, log)
    log.idle = 0
    findings = await verify(store, log, CHECKED)
    assert (findings.events, findings.wrong, log.idle) == (20, [], 0)
    await store.stop()
    await log.stop()

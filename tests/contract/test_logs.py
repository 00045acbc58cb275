"""The contract of the log, and what each implementation adds to it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from tests import parts

from cx_events.errors import Fatal, TryLater
from cx_events.log import INTERACTIONS, Log, Partition
from cx_events.log.kafka import KafkaLog
from cx_events.log.open import open_log
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.log_contract import LogContract
from cx_events.testing.log_helpers import Outage, from_start, record, take
from cx_events.testing.log_outage_contract import LogOutageContract
from cx_hub import stack


class TestSqliteLog(LogContract):
    @pytest.fixture
    def make_log(self, sqlite_log_path: Path) -> Callable[..., Log]:
        return lambda partitions=4: SqliteLog(sqlite_log_path, partitions)


class SqliteLock:
    """Another process holds the file's only writer's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def begin(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        self._connection.execute("BEGIN IMMEDIATE")

    async def end(self) -> None:
        assert self._connection is not None
        self._connection.close()


class TestSqliteLogWhileLocked(LogOutageContract):
    @pytest.fixture
    def make_log(self, sqlite_log_path: Path) -> Callable[..., Log]:
        return lambda partitions=4: SqliteLog(sqlite_log_path, partitions)

    @pytest.fixture
    def outage(self, sqlite_log_path: Path) -> Outage:
        return SqliteLock(sqlite_log_path)


async def test_a_file_without_headers_tells_them_too(sqlite_log_path: Path) -> None:
    with sqlite3.connect(sqlite_log_path) as old:
        old.execute("CREATE TABLE topics (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER)")
        old.execute("INSERT INTO topics VALUES (0, 'cx.interactions', 1)")
        old.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, key BLOB, value BLOB, timestamp INTEGER)")
        old.execute("INSERT INTO records VALUES (0, x'6b', x'7b7d', 5)")
    old.close()
    log = SqliteLog(sqlite_log_path, 1)
    await log.start()
    await log.append([record("k", "later")])
    reader = await from_start(log)
    event = [("content-type", b"application/cloudevents+json")]
    assert [(r.value, list(r.headers)) for r in await take(reader, 2)] == [(b"{}", event), (b"later", event)]
    await reader.close()
    await log.stop()


async def test_a_full_disk_is_try_later(sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path, 1)
    await log.start()
    await log.append([record("k", "fits")])
    # SQLite keeps this bound per connection, and the writer's is already open; so the file itself is made the bound.
    pages = sqlite3.connect(sqlite_log_path).execute("PRAGMA page_count").fetchone()[0]
    assert log._writer is not None and log._writer._connection is not None
    log._writer._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(TryLater, match="full"):
        await log.append([record("k", b"x" * 100_000)])
    await log.append([record("k", "room again")])
    reader = await from_start(log)
    assert [r.value for r in await take(reader, 2)] == [b"fits", b"room again"]
    await reader.close()
    await log.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_writer_whose_thread_ended_is_restarted(sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path, 1)
    await log.start()
    writer = log._writer
    assert writer is not None
    thread, committed = writer._thread, writer._committed

    def fails() -> None:
        writer._committed = committed
        raise ZeroDivisionError("a fault")

    writer._committed = fails
    await log.append([record("k", "before")])
    await asyncio.to_thread(thread.join)
    await log.append([record("k", "after")])
    reader = await from_start(log)
    assert [each.value for each in await take(reader, 2)] == [b"before", b"after"]
    await reader.close()
    await log.stop()


async def test_a_damaged_file_is_fatal_and_named(sqlite_log_path: Path) -> None:
    sqlite_log_path.write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(Fatal, match=r"log\.db is damaged or not an SQLite file"):
        await SqliteLog(sqlite_log_path).start()


async def test_a_folder_that_cannot_be_made_is_try_later(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TryLater, match="can't be made"):
        await SqliteLog(tmp_path / "file" / "log.db").start()


APPEND = """
import asyncio, sys
from pathlib import Path
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog

async def main(path, name):
    log = SqliteLog(Path(path))
    await log.start()
    for n in range(50):
        await log.append([Record(INTERACTIONS, name.encode(), f"{name}:{n}".encode())])
    await log.stop()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_several_processes_share_one_file(sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path, 2)
    await log.start()
    reader = await from_start(log)
    path = ":".join(sys.path)
    writers = [
        subprocess.Popen([sys.executable, "-c", APPEND, str(sqlite_log_path), f"p{n}"], env={"PYTHONPATH": path})
        for n in range(3)
    ]
    found = await take(reader, 150)
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    for n in range(3):
        assert [r.value for r in found if r.key == b"p%d" % n] == [b"p%d:%d" % (n, i) for i in range(50)]
    await reader.close()
    await log.stop()


async def test_a_killed_process_leaves_its_acknowledged_records(sqlite_log_path: Path) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            APPEND.replace("await log.stop()", "print('told', flush=True); import os; os.kill(os.getpid(), 9)"),
            str(sqlite_log_path),
            "p",
        ],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert (told.stdout, told.returncode) == (b"told\n", -9)
    log = SqliteLog(sqlite_log_path)
    await log.start()
    reader = await from_start(log)
    assert len(await take(reader, 50)) == 50
    await reader.close()
    await log.stop()


@pytest.mark.kafka
class TestKafkaLog(LogContract):
    @pytest.fixture
    def make_log(self, kafka_log: Callable[..., KafkaLog]) -> Callable[..., Log]:
        return kafka_log


@pytest.mark.kafka
async def test_reading_records_that_kafka_deleted_is_fatal(kafka_url: str, kafka_log: Callable[..., KafkaLog]) -> None:
    log = kafka_log(partitions=1)
    await log.start()
    await log.append([record("k", str(n)) for n in range(10)])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url.removeprefix("kafka://"))
    await admin.start()
    await admin.delete_records({TopicPartition(log.prefix + INTERACTIONS, 0): RecordsToDelete(before_offset=5)})
    await admin.close()
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, 0): 3})
    with pytest.raises(Fatal, match=r"offset 3 of .*holds 5 to 10"):
        for _ in range(100):
            await reader.read(10)
    reader.assign({Partition(INTERACTIONS, 0): 5})
    assert [r.offset for r in await take(reader, 5)] == [5, 6, 7, 8, 9]
    await reader.close()


@pytest.mark.kafka
async def test_topics_keep_records_for_good(kafka_url: str, kafka_log: Callable[..., KafkaLog]) -> None:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    log = kafka_log(partitions=1)
    await log.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url.removeprefix("kafka://"))
    await admin.start()
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, log.prefix + INTERACTIONS)])
    await admin.close()
    settings = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert (settings["retention.ms"], settings["retention.bytes"], settings["cleanup.policy"]) == ("-1", "-1", "delete")


class KafkaDown:
    """The broker is killed and comes back on its port with its data; or it hangs for a while."""

    def __init__(self, stream_id: Path, how: str) -> None:
        self._home = stream_id
        self._how = how

    async def begin(self) -> None:
        await asyncio.to_thread(stack.kill if self._how == "killed" else stack.freeze, self._home, "kafka")

    async def end(self) -> None:
        if self._how == "killed":
            await asyncio.to_thread(stack.start, self._home, {"kafka"})
        else:
            stack.thaw(self._home, "kafka")


@pytest.mark.kafka
@pytest.mark.fault
@pytest.mark.parametrize("outage", ["killed", "frozen"], indirect=True)
class TestKafkaLogWhileDown(LogOutageContract):
    @pytest.fixture
    def servers(self, breakable_home: Path) -> str:
        return parts.start_or_skip(breakable_home, "kafka").kafka_url.removeprefix("kafka://")

    @pytest.fixture
    def outage(self, servers: str, breakable_home: Path, request: pytest.FixtureRequest) -> Iterator[Outage]:
        yield KafkaDown(breakable_home, request.param)
        stack.thaw(breakable_home, "kafka")
        stack.start(breakable_home, {"kafka"})

    @pytest.fixture
    async def make_log(self, servers: str) -> AsyncIterator[Callable[..., Log]]:
        prefix = f"test-{uuid4().hex[:12]}."
        logs: list[KafkaLog] = []

        def make(partitions: int = 4) -> Log:
            logs.append(KafkaLog(servers, partitions, prefix=prefix))
            return logs[-1]

        yield make
        for log in logs:
            await log.stop()


async def test_an_absent_kafka_is_try_later() -> None:
    log = KafkaLog("127.0.0.1:1")
    with pytest.raises(TryLater, match=r"127\.0\.0\.1:1"):
        await log.start()
    with pytest.raises(TryLater):
        await log.append([record("k", "v")])
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, 0): 0})
    with pytest.raises(TryLater):
        await reader.read(10)
    await reader.close()
    await log.stop()


def test_an_address_names_the_log() -> None:
    sqlite = open_log("sqlite:////tmp/a/log.db")
    assert isinstance(sqlite, SqliteLog)
    assert sqlite.path == Path("/tmp/a/log.db")
    relative = open_log("sqlite:///a/log.db")
    assert isinstance(relative, SqliteLog)
    assert relative.path == Path("a/log.db")
    kafka = open_log("kafka://one:9092,[::1]:9093")
    assert isinstance(kafka, KafkaLog)
    assert kafka.servers == "one:9092,[::1]:9093"


@pytest.mark.parametrize(
    "url", ["", "log.db", "sqlite://", "sqlite:///", "kafka://", "kafka://host", "kafka://a:1,", "http://a:1"]
)
def test_an_address_that_names_no_log_is_fatal(url: str) -> None:
    with pytest.raises(Fatal, match="use sqlite:///PATH or kafka://HOST:PORT"):
        open_log(url)

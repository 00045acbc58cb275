"""A log whose beginning is in an archive alone: both read as one log, and what is missing is named."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from tests.hubs_moved import SPACES, blobs_in, contexts, events, happen, records_of, started
from tests.patience import PATIENCE
from tests.replay_hubs import sqlite_hub
from tests.stores import sqlite_store

from cx_events.archive import ArchivedLog, Manifest
from cx_events.archive.manifest import read_manifest
from cx_events.errors import Refused, TryLater
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log, LogRecord, Partition, Record
from cx_events.log.kafka import KafkaLog
from cx_events.log.sqlite import SqliteLog
from cx_hub.cli import run
from cx_ops.moving.exporting import Export

pytestmark = pytest.mark.clock

TOPICS = (INTERACTIONS, DEAD_LETTERS)


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def new_log(request: pytest.FixtureRequest, tmp_path: Path) -> Log:
    """A log of three partitions, not started, on either kind of parts."""
    if request.param == "sqlite":
        return SqliteLog(tmp_path / "log.db", 3)
    made: Log = request.getfixturevalue("kafka_log")(partitions=3)
    return made


@pytest.fixture
async def any_log(new_log: Log, tmp_path: Path) -> AsyncIterator[Log]:
    """A log with a history, on either kind of parts."""
    async with started(new_log) as made:
        await happen(made, await blobs_in(tmp_path / "blobs"))
        yield made


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    """A log with a history on SQLite."""
    async with started(SqliteLog(tmp_path / "log.db", 3)) as made:
        await happen(made, await blobs_in(tmp_path / "blobs"))
        yield made


async def export(log: Log, folder: Path) -> Manifest:
    blobs = await blobs_in(folder.parent / "blobs")
    return await Export(log, blobs, folder, SPACES, segment_bytes=2_000, read_at_once=3).run()


async def shorten(log: Log, keep: int = 2) -> None:
    """Delete the first records of each partition, all but some, as a broker does."""
    for topic in TOPICS:
        for number, end in (await log.end_offsets(topic)).items():
            if end > keep:
                await delete_before(log, Partition(topic, number), end - keep)


async def delete_before(log: Log, partition: Partition, offset: int) -> None:
    if isinstance(log, SqliteLog):
        base = log.topic(partition.topic).base(partition.number)
        with closing(sqlite3.connect(log.path)) as connection, connection:
            connection.execute("DELETE FROM records WHERE id >= ? AND id < ?", (base, base + offset))
        return
    assert isinstance(log, KafkaLog)
    admin = AIOKafkaAdminClient(bootstrap_servers=log.servers)
    await admin.start()
    try:
        place = TopicPartition(log.prefix + partition.topic, partition.number)
        await admin.delete_records({place: RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def read_from(log: Log, offsets: dict[Partition, int], wanted: int) -> list[LogRecord]:
    reader, found = log.reader(), []
    reader.assign(offsets)
    try:
        async with asyncio.timeout(PATIENCE):
            while len(found) < wanted:
                found += await reader.read(3)
    finally:
        await reader.close()
    return found


async def test_both_read_as_one_log(any_log: Log, tmp_path: Path) -> None:
    log = any_log
    before = await records_of(log)
    ats = {each.timestamp for each in before}
    places = {(topic, at): await log.offsets_at(topic, at) for topic in TOPICS for at in ats}
    await export(log, tmp_path / "archive")
    await shorten(log)
    assert len(await records_of(log)) < len(before)
    joined = ArchivedLog(log, tmp_path / "archive")
    assert [each[:6] for each in await records_of(joined)] == [each[:6] for each in before]
    for topic in TOPICS:
        assert set((await joined.begin_offsets(topic)).values()) == {0}
        assert await joined.end_offsets(topic) == await log.end_offsets(topic)
        for at in ats:
            assert await joined.offsets_at(topic, at) == places[topic, at]


async def test_one_reader_goes_over_into_the_log(any_log: Log, tmp_path: Path) -> None:
    """From any offset, all partitions at once: no record is missing at the seam, none comes twice, and what is appended
    meanwhile follows."""
    log = any_log
    await export(log, tmp_path / "archive")
    await log.append([Record(INTERACTIONS, event.key, event.raw) for event in events("", each=13)[-6:]])
    before = [each for each in await records_of(log) if each.topic == INTERACTIONS]
    await shorten(log, keep=7)
    joined = ArchivedLog(log, tmp_path / "archive")
    for begin in range(0, 30, 4):
        offsets = {
            Partition(INTERACTIONS, n): min(begin, end) for n, end in (await log.end_offsets(INTERACTIONS)).items()
        }
        expected = [each[:6] for each in before if each.offset >= offsets[Partition(INTERACTIONS, each.partition)]]
        found = await read_from(joined, offsets, len(expected))
        assert sorted(each[:6] for each in found) == sorted(expected)
        for partition in offsets:
            mine = [each.offset for each in found if each.partition == partition.number]
            assert mine == sorted(mine)


async def test_a_store_is_filled_and_verified_from_both(log: Log, tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    before = await contexts(log, sqlite_store(tmp_path / "before"))
    await export(log, tmp_path / "archive")
    await shorten(log)
    (tmp_path / "after").mkdir()
    assert await contexts(ArchivedLog(log, tmp_path / "archive"), sqlite_store(tmp_path / "after")) == before


async def test_a_gap_is_named(log: Log, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    await export(log, archive)
    shutil.copytree(archive, tmp_path / "older")
    end = (await log.end_offsets(INTERACTIONS))[0]
    more = [event for event in events("", each=30) if (await partition_of(log, event.key)) == 0][-9:]
    await log.append([Record(INTERACTIONS, event.key, event.raw) for event in more])
    await export(log, archive)
    await delete_before(log, Partition(INTERACTIONS, 0), end + 4)
    older, reader = ArchivedLog(log, tmp_path / "older"), ArchivedLog(log, tmp_path / "older").reader()
    missing = f"{INTERACTIONS}/0 .*the records {end} to {end + 3} are missing"
    with pytest.raises(TryLater, match=missing):
        await older.begin_offsets(INTERACTIONS)
    reader.assign({Partition(INTERACTIONS, 0): 0})
    with pytest.raises(TryLater, match=missing):
        await reader.read(10)
    await reader.close()
    whole = await read_from(ArchivedLog(log, archive), {Partition(INTERACTIONS, 0): 0}, end + 9)
    assert [each.offset for each in whole] == list(range(end + 9))


async def partition_of(log: Log, key: bytes) -> int:
    found = [each.partition for each in await records_of(log) if each.key == key]
    return found[0] if found else -1


async def test_an_archive_that_is_gone_on_with_is_seen(log: Log, tmp_path: Path) -> None:
    """A process that read the archive when it was shorter reads it again when the log needs more of it."""
    await export(log, tmp_path / "archive")
    joined = ArchivedLog(log, tmp_path / "archive")
    await shorten(log)
    await records_of(joined)
    await log.append([Record(INTERACTIONS, event.key, event.raw) for event in events("", each=20)[-20:]])
    await export(log, tmp_path / "archive")
    await shorten(log, keep=1)
    assert len(await records_of(joined)) == read_manifest(tmp_path / "archive").records


async def test_the_archive_of_another_log_is_refused(log: Log, tmp_path: Path) -> None:
    other = SqliteLog(tmp_path / "other.db", 3)
    async with started(other):
        await other.append([Record(INTERACTIONS, event.key, event.raw) for event in events("", each=9)] * 2)
        await export(other, tmp_path / "other")
    await shorten(log, keep=9)
    with pytest.raises(TryLater, match="archive of another log"):
        await records_of(ArchivedLog(log, tmp_path / "other"))


async def test_a_whole_log_needs_no_archive(log: Log, tmp_path: Path) -> None:
    joined = ArchivedLog(log, tmp_path / "nowhere")
    assert await records_of(joined) == await records_of(log)
    await shorten(log)
    with pytest.raises(TryLater, match="nowhere"):
        await joined.begin_offsets(INTERACTIONS)


async def test_a_damaged_segment_is_named(tmp_path: Path) -> None:
    async with started(SqliteLog(tmp_path / "log.db", 1)) as log:
        await happen(log, await blobs_in(tmp_path / "blobs"))
        manifest = await export(log, tmp_path / "archive")
        await shorten(log)
        segment = tmp_path / "archive" / manifest.segments[1].file
        segment.write_bytes(segment.read_bytes()[:-9])
        with pytest.raises(Refused, match=f"damaged-segment.*{segment.name}"):
            await records_of(ArchivedLog(log, tmp_path / "archive"))


def test_commands_read_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = sqlite_hub(tmp_path / "home", monkeypatch)
    told = hub.append(30)
    assert run(["export", "log", "--to", str(tmp_path / "archive")]) == 0

    async def cut() -> None:
        async with started(hub.log()) as log:
            await shorten(log)

    asyncio.run(cut())
    assert run(["replay", "run", "--target", str(tmp_path / "rest.jsonl")]) == 0
    monkeypatch.setenv("CX_ARCHIVE", str(tmp_path / "archive"))
    assert run(["replay", "run", "--target", str(tmp_path / "all.jsonl"), "--where", "type=cx.message.*"]) == 0
    ids = [json.loads(line)["id"] for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert sorted(ids) == sorted(json.loads(each)["id"] for each in told)
    assert len((tmp_path / "rest.jsonl").read_text().splitlines()) < 30
    monkeypatch.setenv("CX_ARCHIVE", str(tmp_path / "nowhere"))
    capsys.readouterr()
    assert run(["replay", "plan", "--target", str(tmp_path / "none.jsonl")]) == 1
    assert "nowhere" in " ".join(capsys.readouterr().err.split())

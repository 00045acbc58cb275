"""Moving a hub: its log into an archive, and an archive or another log into a hub."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.hubs_moved import LARGE, SPACES, blobs_in, contexts, events, happen, letter, records_of, started
from tests.patience import PATIENCE
from tests.processes import bare_environment
from tests.stores import sqlite_store

from cx_events.archive import ArchiveLog
from cx_events.archive.manifest import MANIFEST, Manifest, read_manifest
from cx_events.blob import blob_name
from cx_events.errors import Refused, TryLater
from cx_events.ids import IdSpace
from cx_events.log import DEAD_LETTERS, INTERACTIONS, STORES, Log, LogRecord, Partition, Record, RecordMetadata
from cx_events.log.kafka import KafkaLog
from cx_events.log.sqlite import SqliteLog
from cx_ops.moving.exporting import Export
from cx_ops.moving.import_progress import ProgressFile
from cx_ops.moving.importing import Import
from cx_ops.moving.sources import archive_source, bounds_of, log_source

pytestmark = pytest.mark.clock


async def export(log: Log, home: Path, folder: Path, **how: int) -> Manifest:
    return await Export(log, await blobs_in(home / "blobs"), folder, SPACES, **how).run()


async def bring(source: Path, log: Log, home: Path, **how: object) -> tuple[int, int]:
    """Import an archive into a log."""
    archive = ArchiveLog(source)
    await archive.start()
    found = await archive_source(archive)
    file = ProgressFile(home, found.id, "here")
    return await Import(found, log, await blobs_in(home / "blobs"), SPACES, file, **how).run()  # type: ignore[arg-type]


def by_key(records: Sequence[LogRecord]) -> dict[tuple[str, bytes], list[bytes]]:
    """The values of each key, in their order."""
    found: dict[tuple[str, bytes], list[bytes]] = defaultdict(list)
    for each in records:
        found[each.topic, each.key].append(each.value)
    return found


@pytest.fixture
async def source(tmp_path: Path) -> Path:
    """The home of a hub with a history on SQLite."""
    home = tmp_path / "source"
    async with started(SqliteLog(home / "log.db", 5)) as log:
        await happen(log, await blobs_in(home / "blobs"))
        await log.append([Record(STORES, b"stores", b'{"store":"00"}')] * 3)
    return home


@pytest.fixture
async def archive(source: Path, tmp_path: Path) -> Path:
    async with started(SqliteLog(source / "log.db")) as log:
        await export(log, source, tmp_path / "archive", segment_bytes=2_000, read_at_once=3)
    return tmp_path / "archive"


@pytest.mark.kafka
@pytest.mark.postgres
async def test_there_and_back_gives_the_same_bytes(
    tmp_path: Path, source: Path, archive: Path, postgres_store: str, kafka_log: Callable[..., KafkaLog]
) -> None:
    """SQLite, then Kafka with PostgreSQL by way of an archive, then SQLite from that Kafka."""
    async with started(SqliteLog(source / "log.db")) as log:
        there = await records_of(log)
        before = await contexts(log, sqlite_store(source))
    async with started(kafka_log(partitions=3)) as log:
        await bring(archive, log, tmp_path / "kafka")
        assert await contexts(log, postgres_store) == before
        assert by_key(await records_of(log)) == by_key(there)
        file = ProgressFile(tmp_path / "back", "kafka", "back")
        back = SqliteLog(tmp_path / "back" / "log.db", 8)
        async with started(back):
            taken = await log_source(log, "kafka", await blobs_in(tmp_path / "kafka" / "blobs"))
            await Import(taken, back, await blobs_in(tmp_path / "back" / "blobs"), SPACES, file).run()
            assert await contexts(back, sqlite_store(tmp_path / "back")) == before
            assert by_key(await records_of(back)) == by_key(there)
    assert len(before) == 4
    assert len(set(before.values())) == 3  # two are one customer
    assert await (await blobs_in(tmp_path / "back" / "blobs")).get("acme", blob_name(LARGE)) == LARGE


async def test_an_archive_reads_as_the_log(source: Path, archive: Path) -> None:
    read = ArchiveLog(archive)
    async with started(read), started(SqliteLog(source / "log.db")) as log:
        assert len(read.manifest.segments) > 12
        assert await records_of(read) == await records_of(log)
        for topic in (INTERACTIONS, DEAD_LETTERS):
            assert await read.partitions(topic) == await log.partitions(topic)
            assert await read.end_offsets(topic) == await log.end_offsets(topic)
            assert await read.begin_offsets(topic) == await log.begin_offsets(topic)
            for record in await records_of(log):
                at = record.timestamp
                assert await read.offsets_at(topic, at) == await log.offsets_at(topic, at)
            assert await read.offsets_at(topic, 1 << 50) == await log.end_offsets(topic)
        with pytest.raises(Refused, match="read-only"):
            await read.append([letter("l-9")])


async def test_an_archive_is_read_from_any_offset(source: Path, archive: Path) -> None:
    async with started(ArchiveLog(archive)) as log:
        everything = await records_of(log)
        reader = log.reader()
        for number, end in (await log.end_offsets(INTERACTIONS)).items():
            for offset in range(end + 1):
                reader.assign({Partition(INTERACTIONS, number): offset})
                found: list[LogRecord] = []
                while some := await reader.read(3, wait=0.0):
                    found += some
                expected = [each for each in everything if each[:2] == (INTERACTIONS, number)]
                assert found == [each for each in expected if each.offset >= offset]
        await reader.close()


async def test_versions_begin_above_those_of_the_source(archive: Path, tmp_path: Path) -> None:
    async with started(SqliteLog(tmp_path / "new" / "log.db")) as log:
        await bring(archive, log, tmp_path / "new")
        assert await log.end_offsets(STORES) == {0: 4}


async def test_an_export_goes_on_in_its_folder(source: Path, archive: Path, tmp_path: Path) -> None:
    first = read_manifest(archive)
    async with started(SqliteLog(source / "log.db")) as log, started(SqliteLog(tmp_path / "n" / "log.db", 2)) as new:
        await bring(archive, new, tmp_path / "n")
        await log.append([Record(INTERACTIONS, event.key, event.raw) for event in events("", each=20)[-10:]])
        second = await export(log, source, archive)
        assert second.id == first.id
        assert second.segments[: len(first.segments)] == first.segments
        assert second.records == first.records + 10
        assert await bring(archive, new, tmp_path / "n") == (10, 0)
        assert await bring(archive, new, tmp_path / "n") == (0, 0)
        assert by_key(await records_of(new)) == by_key(await records_of(log))


async def test_an_export_that_broke_off_goes_on(source: Path, tmp_path: Path) -> None:
    async with started(SqliteLog(source / "log.db")) as log:
        blobs = await blobs_in(source / "blobs")

        def break_off(records: int) -> None:
            if records > 30:
                raise TryLater("disk", "no room")

        folder = tmp_path / "archive"
        with pytest.raises(TryLater):
            await Export(log, blobs, folder, SPACES, segment_bytes=2_000, read_at_once=3, report=break_off).run()
        assert not read_manifest(folder).complete
        with pytest.raises(Refused, match="unfinished-export"):
            await bring(folder, log, tmp_path / "new")
        await Export(log, blobs, folder, SPACES, segment_bytes=2_000, read_at_once=3).run()
        async with started(ArchiveLog(folder)) as read:
            assert await records_of(read) == await records_of(log)


async def test_another_log_is_not_added_to_an_archive(archive: Path, source: Path, tmp_path: Path) -> None:
    async with started(SqliteLog(tmp_path / "other" / "log.db", 5)) as log:
        await happen(log, await blobs_in(source / "blobs"), each=14)
        with pytest.raises(Refused, match="another-log"):
            await export(log, source, archive)


async def test_a_folder_with_other_things_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to-ana.txt").write_text("dear ana")
    async with started(SqliteLog(source / "log.db")) as log:
        with pytest.raises(Refused, match="not-an-archive"):
            await export(log, source, tmp_path / "letters")
    assert [each.name for each in (tmp_path / "letters").iterdir()] == ["to-ana.txt"]


async def test_a_log_with_foreign_events_is_refused(archive: Path, tmp_path: Path) -> None:
    async with started(SqliteLog(tmp_path / "new" / "log.db")) as log:
        await log.append([letter("l-9")])
        with pytest.raises(Refused, match="log-not-empty"):
            await bring(archive, log, tmp_path / "new")
        assert len(await records_of(log)) == 1
        await bring(archive, log, tmp_path / "new", beside=True)
        assert len(await records_of(log)) == 1 + read_manifest(archive).records


async def test_another_id_key_is_refused(archive: Path, source: Path, tmp_path: Path) -> None:
    blobs = await blobs_in(tmp_path / "new" / "blobs")
    read = ArchiveLog(archive)
    new = SqliteLog(tmp_path / "new" / "log.db")
    async with started(read), started(SqliteLog(source / "log.db")) as old, started(new) as log:
        for found in (await archive_source(read), await log_source(old, "old", blobs)):
            for spaces in ({}, {"acme": IdSpace("acme", b"quite another key")}):
                file = ProgressFile(tmp_path / "new", found.id, "here")
                with pytest.raises(Refused, match="other-id-key"):
                    await Import(found, log, blobs, spaces, file).run()
        assert await records_of(log) == []


async def test_blobs_of_a_log_must_be_named(source: Path, tmp_path: Path) -> None:
    blobs = await blobs_in(tmp_path / "new" / "blobs")
    async with started(SqliteLog(source / "log.db")) as old, started(SqliteLog(tmp_path / "new" / "log.db")) as log:
        found = await log_source(old, "old", None)
        with pytest.raises(Refused, match="--blobs"):
            await Import(found, log, blobs, SPACES, ProgressFile(tmp_path / "new", found.id, "here")).run()


async def test_blobs_that_are_nowhere_are_counted(source: Path, tmp_path: Path) -> None:
    async with started(SqliteLog(source / "log.db")) as old, started(SqliteLog(tmp_path / "new" / "log.db")) as log:
        manifest = await export(old, tmp_path / "elsewhere", tmp_path / "archive")
        assert len(manifest.missing_blobs) == 2
        records, missing = await bring(tmp_path / "archive", log, tmp_path / "new")
        assert (records, missing) == (manifest.records, 2)


class Forgetful:
    """A log that stores an append and then says that it does not know, at every third one."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        self._asked += 1
        stored = records[: len(records) // 2] if self._asked % 2 else records
        places = await self._log.append(stored)
        if self._asked % 3 == 0 or len(stored) < len(records):
            raise TryLater("log", "no acknowledgement")
        return places


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def new_log(request: pytest.FixtureRequest, tmp_path: Path) -> Log:
    """A log of three partitions, not started, on either kind of parts."""
    if request.param == "sqlite":
        return SqliteLog(tmp_path / "new" / "log.db", 3)
    made: Log = request.getfixturevalue("kafka_log")(partitions=3)
    return made


async def test_an_unknown_outcome_appends_nothing_twice(
    new_log: Log, source: Path, archive: Path, tmp_path: Path
) -> None:
    async with started(new_log) as log, started(SqliteLog(source / "log.db")) as old:
        await bring(archive, Forgetful(log), tmp_path / "new", step_records=9)  # type: ignore[arg-type]
        assert by_key(await records_of(log)) == by_key(await records_of(old))


async def test_an_import_that_is_under_way_is_not_doubled(archive: Path, tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "new", read_manifest(archive).id, "here")
    async with started(SqliteLog(tmp_path / "new" / "log.db")) as log:
        with file.locked(), pytest.raises(Refused, match="import-under-way"):
            await bring(archive, log, tmp_path / "new")


async def test_a_log_made_anew_is_filled_again(archive: Path, tmp_path: Path) -> None:
    for name in ("first.db", "second.db"):
        async with started(SqliteLog(tmp_path / "new" / name)) as log:
            records, _ = await bring(archive, log, tmp_path / "new")
            assert records == read_manifest(archive).records


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", ["flipped", "missing", "shortened", "line dropped"])
async def test_a_damaged_segment_is_named_before_anything(damage: str, archive: Path, tmp_path: Path) -> None:
    segment = archive / read_manifest(archive).segments[3].file
    if damage == "flipped":
        flip(segment, 40)
    elif damage == "missing":
        segment.unlink()
    elif damage == "shortened":
        segment.write_bytes(segment.read_bytes()[:-20])
    else:
        segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[1:]))
    async with started(SqliteLog(tmp_path / "new" / "log.db")) as log:
        with pytest.raises(Refused, match=f"damaged-segment.*{segment.name}"):
            await bring(archive, log, tmp_path / "new")
        assert await records_of(log) == []


def changed(path: Path, **members: object) -> None:
    whole = json.loads(path.read_bytes())
    path.write_text(json.dumps({**whole, "content": {**whole["content"], **members}}))


async def test_a_damaged_manifest_is_refused(archive: Path) -> None:
    path = archive / MANIFEST
    whole = path.read_bytes()
    for at in range(0, len(whole) - 1, 97):
        flip(path, at)
        with pytest.raises(Refused, match="damaged-manifest"):
            await ArchiveLog(archive).start()
        path.write_bytes(whole)
    changed(path, stores_end=0)
    with pytest.raises(Refused, match="damaged-manifest"):
        await ArchiveLog(archive).start()
    path.unlink()
    with pytest.raises(Refused, match="no-manifest"):
        await ArchiveLog(archive).start()


@pytest.mark.parametrize("member", ['"version":1', '"format":"throughline-log"'])
async def test_a_manifest_of_another_kind_is_refused(member: str, archive: Path) -> None:
    path = archive / MANIFEST
    content = path.read_bytes().partition(b'"content":')[2].rstrip()[:-1]
    other = content.replace(member.encode(), member.replace("1", "2").replace("line-log", "line-tape").encode())
    assert other != content
    path.write_bytes(b'{"sha256":"%s","content":%s}' % (hashlib.sha256(other).hexdigest().encode(), other))
    with pytest.raises(Refused, match="other-format"):
        await ArchiveLog(archive).start()


async def test_a_blob_lost_from_an_archive_is_named(archive: Path, tmp_path: Path) -> None:
    (blob,) = archive.glob(f"blobs/*/*/{blob_name(LARGE).removeprefix('sha256:')}")
    blob.unlink()
    async with started(SqliteLog(tmp_path / "new" / "log.db")) as log:
        with pytest.raises(Refused, match=f"blob-missing.*{blob.name}"):
            await bring(archive, log, tmp_path / "new")


async def test_a_rate_bounds_each_step(archive: Path, tmp_path: Path) -> None:
    """At 20 records a second no append has more than ten."""
    sizes: list[int] = []

    class Counting(SqliteLog):
        async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
            sizes.append(len(records))
            return await super().append(records)

    async with started(Counting(tmp_path / "new" / "log.db")) as log:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await bring(archive, log, tmp_path / "new", rate=20.0)
        assert loop.time() - began > read_manifest(archive).records / 20 - 1
    assert max(sizes) == 10


CONFIG = """
tenants:
  acme:
    id_key: "acme example key"
"""


def command(home: Path, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
    """``cx`` in a process of its own, on the parts of a home unless told otherwise."""
    config = home.parent / "tenants.yaml"
    config.write_text(CONFIG)
    given = {"CX_HOME": str(home), "CX_CONFIG": str(config), **settings}
    environment = {**bare_environment(), **{name: value for name, value in given.items() if value}}
    return subprocess.Popen(
        [sys.executable, "-m", "cx_hub", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def done(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    """Exit code, data, and what was said."""
    out, said = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in said, said
    return process.returncode, out, said.decode()


def test_the_commands_move_a_hub(source: Path, tmp_path: Path) -> None:
    archive, new = str(tmp_path / "archive"), tmp_path / "new"
    code, out, said = done(command(source, "export", "log", "--to", archive, "--why", "to a new machine", "-o", "json"))
    assert (code, json.loads(out)["missing_blobs"]) == (0, 0), said
    records = json.loads(out)["records"]
    code, out, said = done(command(new, "import", "log", archive, "-o", "json"))
    assert (code, json.loads(out)) == (0, {"source": archive, "records": records, "missing_blobs": 0}), said
    code, out, said = done(command(new, "import", "log", archive))
    assert (code, out) == (0, b"0 records imported\n"), said
    code, out, said = done(command(new, "log", "tail", "--type", "cx.operations", "-o", "jsonl"))
    acts = [json.loads(line) for line in out.splitlines()]
    assert [(act["type"], act["writer"]) for act in acts] == [("cx.operations.log_imported.v1", "hub/command-line")]
    code, _, said = done(command(tmp_path / "third", "import", "log", str(tmp_path / "nowhere")))
    assert (code, "no-manifest" in said) == (2, True)
    assert (source / "blobs").exists()
    assert {each.stat().st_mode & 0o077 for each in Path(archive).rglob("*")} == {0}


async def test_an_import_killed_often_appends_each_once(
    new_log: Log, archive: Path, source: Path, tmp_path: Path
) -> None:
    home = tmp_path / "new"
    settings = {"CX_PARTITIONS": "3"}
    if isinstance(new_log, KafkaLog):
        settings |= {"CX_LOG_URL": f"kafka://{new_log.servers}", "CX_TOPIC_PREFIX": new_log.prefix}
    arguments = ("import", "log", str(archive), "--rate", "20")
    async with started(new_log) as log:
        for _ in range(4):
            before, _ = await bounds_of(log)
            process = command(home, *arguments, **settings)
            until = time.monotonic() + PATIENCE
            while (await bounds_of(log))[0] == before and process.poll() is None and time.monotonic() < until:
                await asyncio.sleep(0.1)
            process.kill()
            process.communicate()
        code, _, said = await asyncio.to_thread(done, command(home, "import", "log", str(archive), **settings))
        assert code == 0, said
        async with started(SqliteLog(source / "log.db")) as old:
            wanted, found = by_key(await records_of(old)), by_key(await records_of(log))
            acts = [key for key in found if key not in wanted]
            assert len(acts) == 1  # who imported it
            assert {key: found[key] for key in wanted} == wanted

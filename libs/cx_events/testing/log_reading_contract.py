"""Hold every log's readers to their contract."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest

from cx_events.errors import Fatal
from cx_events.log import (
    DEAD_LETTERS,
    INTERACTIONS,
    Log,
    Partition,
)
from cx_events.testing.log_fixtures import LogFixtures
from cx_events.testing.log_helpers import (
    from_start,
    group_by_partition,
    record,
    take,
)


class LogReadingContract(LogFixtures):
    """See ``LogFixtures`` for the fixture to provide."""

    async def test_records_are_read_back_as_appended(self, log: Log) -> None:
        given = [record("k", "one"), record("k", b"\x00\xff"), record("", ""), record("k", "x", DEAD_LETTERS)]
        offsets = await log.append(given)
        reader = log.reader()
        reader.assign({Partition(at.topic, at.partition): 0 for at in offsets})
        found = {(r.topic, r.partition, r.offset): (r.key, r.value) for r in await take(reader, 4)}
        assert found == {tuple(at): (r.key, r.value) for at, r in zip(offsets, given, strict=True)}
        await reader.close()

    async def test_large_appends_tell_where_each_record_lies(self, log: Log) -> None:
        """Each is more than what a producer sends to a partition at once, and others append between."""
        given = [[record(f"k{n % 7}", f"{many}:{n}:" + "x" * 2_000) for n in range(600)] for many in range(2)]
        stored = await asyncio.gather(*(log.append(some) for some in given))
        reader = await from_start(log)
        found = {(r.topic, r.partition, r.offset): (r.key, r.value) for r in await take(reader, 1_200)}
        for told, some in zip(stored, given, strict=True):
            assert [found[at.topic, at.partition, at.offset] for at in told] == [(r.key, r.value) for r in some]
        await reader.close()

    async def test_offsets_rise_and_each_record_is_read_once(self, log: Log) -> None:
        appends = [log.append([record(f"k{n}", f"{n}:{i}") for i in range(10)]) for n in range(40)]
        stored = [at for given in await asyncio.gather(*appends) for at in given]
        assert len(set(stored)) == 400
        reader = await from_start(log)
        found = await take(reader, 400, max_records=33)
        assert Counter((r.topic, r.partition, r.offset) for r in found) == Counter(map(tuple, stored))
        for records in group_by_partition(found).values():
            offsets = [r.offset for r in records]
            assert offsets == sorted(offsets)
        assert await reader.read(10, wait=0.05) == []
        await reader.close()

    async def test_a_reader_misses_nothing_while_many_append(self, log: Log, other: Log) -> None:
        reader = await from_start(log)

        async def append(to: Log, name: str) -> None:
            for n in range(25):
                await to.append([record(name, f"{name}:{n}")])

        appending = asyncio.gather(*(append(log if n % 2 else other, f"writer-{n}") for n in range(8)))
        found = await take(reader, 200)
        await appending
        for n in range(8):
            mine = [r.value.decode() for r in found if r.key == f"writer-{n}".encode()]
            assert mine == [f"writer-{n}:{i}" for i in range(25)]
        await reader.close()

    async def test_a_reader_begins_at_its_assigned_offset(self, log: Log) -> None:
        offsets = await log.append([record("same", str(n)) for n in range(10)])
        partition = Partition(INTERACTIONS, offsets[0].partition)
        reader = log.reader()
        reader.assign({partition: offsets[6].offset})
        assert [r.value for r in await take(reader, 4)] == [b"6", b"7", b"8", b"9"]
        assert await reader.read(10, wait=0.05) == []
        await reader.close()

    async def test_a_reader_follows_its_latest_assignment(self, log: Log) -> None:
        offsets = await log.append([record(f"k{n}", str(n)) for n in range(40)])
        here, there = sorted({at.partition for at in offsets})[:2]
        reader = log.reader()
        reader.assign({Partition(INTERACTIONS, here): 0})
        assert {r.partition for r in await reader.read(2)} == {here}
        reader.assign({Partition(INTERACTIONS, there): 0})
        expected = [at for at in offsets if at.partition == there]
        found = await take(reader, len(expected))
        assert [r.offset for r in found] == [at.offset for at in expected]
        assert {r.partition for r in found} == {there}
        assert await reader.read(10, wait=0.05) == []
        reader.assign({Partition(INTERACTIONS, there): expected[0].offset})
        assert [r.offset for r in await take(reader, len(expected))] == [at.offset for at in expected]
        await reader.close()

    async def test_a_reader_without_partitions_reads_nothing(self, log: Log) -> None:
        await log.append([record("k", "v")])
        reader = log.reader()
        assert await reader.read(10, wait=0.01) == []
        reader.assign({})
        assert await reader.read(10, wait=0.01) == []
        await reader.close()

    async def test_a_waiting_read_returns_what_is_appended_meanwhile(self, log: Log, other: Log) -> None:
        reader = await from_start(log)
        assert await reader.read(10, wait=0.01) == []
        for writer in (log, other):
            waiting = asyncio.create_task(reader.read(10, wait=60))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await writer.append([record("k", "now")])
            assert [r.value for r in await waiting] == [b"now"]
        await reader.close()

    async def test_a_cancelled_read_loses_nothing(self, log: Log) -> None:
        reader = await from_start(log)
        waiting = asyncio.create_task(reader.read(10, wait=60))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await log.append([record("k", "kept")])
        assert [r.value for r in await take(reader, 1)] == [b"kept"]
        await reader.close()

    async def test_a_read_keeps_its_bounds_after_the_first_record(self, log: Log) -> None:
        await log.append([record("same", bytes([n]) * 1000) for n in range(6)])
        reader = await from_start(log)
        sizes = [len(await reader.read(100, max_bytes=limit)) for limit in (2500, 10, 100_000)]
        assert sizes == [2, 1, 3]
        await reader.close()

    async def test_a_busy_partition_does_not_starve_the_others(self, log: Log) -> None:
        keys: dict[int, str] = {}
        for n in range(200):
            (at,) = await log.append([record(f"key-{n}")])
            keys.setdefault(at.partition, f"key-{n}")
            if len(keys) == 4:
                break
        ends = {Partition(INTERACTIONS, n): end for n, end in (await log.end_offsets(INTERACTIONS)).items()}
        busy, *quiet = keys.values()
        noise = Random(1)
        # More than any one fetch brings, and not to be compressed.
        await log.append([record(busy, noise.randbytes(32 << 10)) for _ in range(100)])
        await log.append([record(busy, noise.randbytes(32 << 10)) for _ in range(100)])
        await log.append([record(key, "quiet") for key in quiet])
        reader = log.reader()
        reader.assign(ends)
        found = await take(reader, 203, max_records=50)
        assert [r.value for r in found].count(b"quiet") == 3
        assert found[-1].value != b"quiet"
        await reader.close()

    async def test_an_unknown_partition_is_fatal(self, log: Log) -> None:
        reader = log.reader()
        reader.assign({Partition(INTERACTIONS, 4): 0})
        with pytest.raises(Fatal, match="no partition 4"):
            await reader.read(10)
        await reader.close()

    async def test_an_offset_beyond_the_end_is_fatal(self, log: Log) -> None:
        (at,) = await log.append([record("k", "v")])
        reader = log.reader()
        reader.assign({Partition(INTERACTIONS, at.partition): at.offset + 2})
        with pytest.raises(Fatal, match=f"offset {at.offset + 2} .*outside of the log"):
            for _ in range(100):
                await reader.read(10)
        await reader.close()

    async def test_timestamps_are_the_logs_and_never_fall(self, log: Log) -> None:
        for n in range(5):
            await log.append([record("same", str(n))])
        reader = await from_start(log)
        stamps = [r.timestamp for r in await take(reader, 5)]
        assert stamps == sorted(stamps)
        assert stamps[0] > 1_700_000_000_000
        await reader.close()

    async def test_offsets_are_found_by_the_logs_time(self, log: Log) -> None:
        assert await log.begin_offsets(INTERACTIONS) == await log.end_offsets(INTERACTIONS)
        for n in range(6):
            await log.append([record("same", str(n))])
            await asyncio.sleep(0.003)
        reader = await from_start(log)
        found = await take(reader, 6)
        await reader.close()
        partition, ends = found[0].partition, await log.end_offsets(INTERACTIONS)
        for each in found:
            first = next(other.offset for other in found if other.timestamp >= each.timestamp)
            assert (await log.offsets_at(INTERACTIONS, each.timestamp))[partition] == first
        assert await log.offsets_at(INTERACTIONS, 0) == await log.begin_offsets(INTERACTIONS)
        assert (await log.begin_offsets(INTERACTIONS))[partition] == found[0].offset
        assert await log.offsets_at(INTERACTIONS, found[-1].timestamp + 1) == ends

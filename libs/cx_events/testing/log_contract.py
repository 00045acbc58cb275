"""What every log must do. For an implementation of your own, subclass and give the fixture that each class names:

class TestMyLog(LogContract):
    @pytest.fixture
    def make_log(self, tmp_path): return lambda partitions=4: MyLog(tmp_path, partitions)
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from random import Random
from typing import Protocol

import pytest

from cx_events.errors import Fatal, Refused, TryLater
from cx_events.log import (
    CONTEXT_CHANGES,
    DEAD_LETTERS,
    INTERACTIONS,
    Log,
    LogReader,
    LogRecord,
    Partition,
    Record,
    RecordMetadata,
)
from cx_events.log.port import MAX_RECORD_BYTES, TOPICS

MakeLog = Callable[..., Log]

ANSWER_SECONDS = 20.0
"""A log that is down says so within this time. The port promises 2.5 s, which a loaded machine may exceed; a log that
leaves it to its client library exceeds this."""


class Outage(Protocol):
    """A way in which a log can fail: it stops answering at ``begin`` and is back at ``end``, data intact."""

    async def begin(self) -> None: ...

    async def end(self) -> None: ...


def record(key: str, value: str | bytes = b"", topic: str = INTERACTIONS) -> Record:
    return Record(topic, key.encode(), value.encode() if isinstance(value, str) else value)


async def from_start(log: Log, topic: str = INTERACTIONS) -> LogReader:
    """A reader of a whole topic from its beginning."""
    reader = log.reader()
    reader.assign({Partition(topic, number): 0 for number in range(await log.partitions(topic))})
    return reader


async def take(reader: LogReader, count: int, *, max_records: int = 500) -> list[LogRecord]:
    """Reads until that many have come; a test that waits in vain ends by its own timeout."""
    found: list[LogRecord] = []
    while len(found) < count:
        found += await reader.read(min(max_records, count - len(found)))
    return found


def by_partition(records: Collection[LogRecord]) -> Mapping[Partition, list[LogRecord]]:
    parts: dict[Partition, list[LogRecord]] = defaultdict(list)
    for found in records:
        parts[Partition(found.topic, found.partition)].append(found)
    return parts


async def patiently(log: Log, *records: Record) -> None:
    """Appends, again and again while the log says to try later."""
    while True:
        try:
            await log.append(records)
        except TryLater:
            await asyncio.sleep(0.05)
        else:
            return


class LogContract:
    """Fixture ``make_log``: a function of ``partitions`` that gives a log, not started, on this test's own place.
    Called twice it gives two logs on one place."""

    @pytest.fixture
    async def log(self, make_log: MakeLog) -> AsyncIterator[Log]:
        log = make_log(partitions=4)
        await log.start()
        yield log
        await log.stop()

    @pytest.fixture
    async def other(self, log: Log, make_log: MakeLog) -> AsyncIterator[Log]:
        other = make_log(partitions=4)
        await other.start()
        yield other
        await other.stop()

    async def test_what_is_appended_is_read_back_as_it_was(self, log: Log) -> None:
        given = [record("k", "one"), record("k", b"\x00\xff"), record("", ""), record("k", "x", DEAD_LETTERS)]
        offsets = await log.append(given)
        reader = log.reader()
        reader.assign({Partition(at.topic, at.partition): 0 for at in offsets})
        found = {(r.topic, r.partition, r.offset): (r.key, r.value) for r in await take(reader, 4)}
        assert found == {tuple(at): (r.key, r.value) for at, r in zip(offsets, given, strict=True)}
        await reader.close()

    async def test_records_of_one_key_share_a_partition_in_order(self, log: Log) -> None:
        for n in range(5):
            await log.append([record(f"key-{k}", f"{k}:{n}") for k in range(20)])
        reader = await from_start(log)
        found = await take(reader, 100, max_records=7)
        for k in range(20):
            mine = [r for r in found if r.key == f"key-{k}".encode()]
            assert [r.value.decode() for r in mine] == [f"{k}:{n}" for n in range(5)]
            assert len({r.partition for r in mine}) == 1
        assert len({r.partition for r in found}) > 1
        await reader.close()

    async def test_offsets_rise_and_the_read_gives_each_once(self, log: Log) -> None:
        appends = [log.append([record(f"k{n}", f"{n}:{i}") for i in range(10)]) for n in range(40)]
        stored = [at for given in await asyncio.gather(*appends) for at in given]
        assert len(set(stored)) == 400
        reader = await from_start(log)
        found = await take(reader, 400, max_records=33)
        assert Counter((r.topic, r.partition, r.offset) for r in found) == Counter(map(tuple, stored))
        for records in by_partition(found).values():
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

    async def test_a_reader_begins_where_it_is_told(self, log: Log) -> None:
        offsets = await log.append([record("same", str(n)) for n in range(10)])
        partition = Partition(INTERACTIONS, offsets[0].partition)
        reader = log.reader()
        reader.assign({partition: offsets[6].offset})
        assert [r.value for r in await take(reader, 4)] == [b"6", b"7", b"8", b"9"]
        assert await reader.read(10, wait=0.05) == []
        await reader.close()

    async def test_a_reader_assigned_anew_reads_those_partitions_and_no_others(self, log: Log) -> None:
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

    async def test_a_waiting_read_gets_what_is_appended_meanwhile(self, log: Log, other: Log) -> None:
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

    async def test_a_read_keeps_to_its_bounds_yet_gives_one_at_least(self, log: Log) -> None:
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

    async def test_the_largest_record_fits_and_a_larger_one_is_refused(self, log: Log) -> None:
        noise = bytes(range(256)) * (MAX_RECORD_BYTES // 256)
        await log.append([record("", noise), record("", "after")])
        with pytest.raises(Refused) as refusal:
            await log.append([record("", "with it"), record("k", noise)])
        assert refusal.value.reason == "too-large"
        await log.append([record("", "last")])
        reader = await from_start(log)
        assert [r.value for r in await take(reader, 3)] == [noise, b"after", b"last"]
        await reader.close()

    async def test_an_unknown_topic_is_refused_everywhere(self, log: Log) -> None:
        with pytest.raises(Refused, match="unknown-topic"):
            await log.append([record("k", "v"), record("k", "v", "cx.elsewhere")])
        with pytest.raises(Refused, match="unknown-topic"):
            await log.partitions("cx.elsewhere")
        with pytest.raises(Refused, match="unknown-topic"):
            await log.end_offsets("cx.elsewhere")
        reader = log.reader()
        with pytest.raises(Refused, match="unknown-topic"):
            reader.assign({Partition("cx.elsewhere", 0): 0})
        await reader.close()
        assert set((await log.end_offsets(INTERACTIONS)).values()) == {0}

    async def test_a_partition_that_is_not_there_is_an_error(self, log: Log) -> None:
        reader = log.reader()
        reader.assign({Partition(INTERACTIONS, 4): 0})
        with pytest.raises(Fatal, match="no partition 4"):
            await reader.read(10)
        await reader.close()

    async def test_a_position_beyond_the_end_is_an_error_and_no_jump(self, log: Log) -> None:
        (at,) = await log.append([record("k", "v")])
        reader = log.reader()
        reader.assign({Partition(INTERACTIONS, at.partition): at.offset + 2})
        with pytest.raises(Fatal, match=f"position {at.offset + 2} .*outside of the log"):
            for _ in range(100):
                await reader.read(10)
        await reader.close()

    async def test_end_positions_say_where_the_next_record_lands(self, log: Log) -> None:
        assert await log.end_offsets(CONTEXT_CHANGES) == {0: 0, 1: 0, 2: 0, 3: 0}
        first = await log.append([record(f"k{n}", topic=CONTEXT_CHANGES) for n in range(10)])
        ends = await log.end_offsets(CONTEXT_CHANGES)
        counted = Counter(at.partition for at in first)
        assert all(ends[number] >= counted[number] for number in range(4))
        (then,) = await log.append([record("k3", topic=CONTEXT_CHANGES)])
        assert then.offset == ends[then.partition]
        assert (await log.end_offsets(CONTEXT_CHANGES))[then.partition] == then.offset + 1

    async def test_records_and_positions_outlive_the_log_object(self, log: Log, make_log: MakeLog) -> None:
        given = await log.append([record(f"k{n}", str(n)) for n in range(20)])
        await log.stop()
        again = make_log(partitions=4)
        await again.start()
        reader = await from_start(again)
        found = await take(reader, 20)
        assert {(r.partition, r.offset): r.value for r in found} == {
            (at.partition, at.offset): str(n).encode() for n, at in enumerate(given)
        }
        later = await again.append([record("k7", "later")])
        assert later[0].partition == given[7].partition
        assert later[0].offset > given[7].offset
        await reader.close()
        await again.stop()

    async def test_the_number_of_partitions_is_that_of_the_first_time(self, log: Log, make_log: MakeLog) -> None:
        for partitions in (1, 16):
            again = make_log(partitions=partitions)
            await again.start()
            assert [await again.partitions(topic) for topic in TOPICS] == [4, 4, 4, 1]
            await again.stop()

    async def test_logs_that_start_at_once_agree(self, make_log: MakeLog) -> None:
        logs = [make_log(partitions=n + 1) for n in range(4)]
        await asyncio.gather(*(log.start() for log in logs))
        counts = {await log.partitions(INTERACTIONS) for log in logs}
        assert len(counts) == 1
        places = [(await log.append([record("same")]))[0] for log in logs]
        assert len({at.partition for at in places}) == 1
        await asyncio.gather(*(log.stop() for log in logs))

    async def test_timestamps_are_those_of_the_log_and_never_fall(self, log: Log) -> None:
        for n in range(5):
            await log.append([record("same", str(n))])
        reader = await from_start(log)
        stamps = [r.timestamp for r in await take(reader, 5)]
        assert stamps == sorted(stamps)
        assert stamps[0] > 1_700_000_000_000
        await reader.close()

    async def test_nothing_is_appended_to_nothing(self, log: Log) -> None:
        assert await log.append([]) == []

    async def test_stopping_finishes_what_is_under_way(self, log: Log, make_log: MakeLog) -> None:
        under_way = [asyncio.create_task(log.append([record(f"k{n}", str(n))])) for n in range(50)]
        await asyncio.sleep(0)
        await log.stop()
        offsets = [at for given in await asyncio.gather(*under_way) for at in given]
        assert len(set(offsets)) == 50
        again = make_log(partitions=4)
        await again.start()
        assert sum((await again.end_offsets(INTERACTIONS)).values()) == 50
        await again.stop()

    async def test_a_stopped_log_says_so(self, log: Log) -> None:
        await log.stop()
        with pytest.raises(Fatal, match="stopped"):
            await log.append([record("k", "v")])


class LogOutageContract:
    """Fixtures ``make_log`` as in ``LogContract``, and ``outage``, an ``Outage`` of that log's place."""

    async def test_an_append_in_an_outage_is_told_to_try_later_and_the_log_comes_back(
        self, make_log: MakeLog, outage: Outage
    ) -> None:
        log = make_log(partitions=2)
        await log.start()
        await log.append([record("k", "before")])
        reader = await from_start(log)
        assert [r.value for r in await take(reader, 1)] == [b"before"]
        await outage.begin()
        try:
            answers = []
            for _ in range(2):
                async with asyncio.timeout(ANSWER_SECONDS):
                    answers += await asyncio.gather(
                        *(log.append([record("k", f"lost-{n}")]) for n in range(20)), return_exceptions=True
                    )
            assert [type(answer) for answer in answers] == [TryLater] * 40
        finally:
            await outage.end()
        await patiently(log, record("k", "after"))
        seen: list[bytes] = []
        while b"after" not in seen:
            try:
                seen += [r.value for r in await reader.read(100)]
            except TryLater:
                await asyncio.sleep(0.05)
        # Those of the outage may be there, since their outcome is unknown; nothing from before comes again.
        assert {value for value in seen if not value.startswith(b"lost-")} == {b"after"}
        await reader.close()
        await log.stop()

    async def test_what_was_acknowledged_is_there_after_an_outage(self, make_log: MakeLog, outage: Outage) -> None:
        log = make_log(partitions=2)
        await log.start()
        acknowledged: dict[RecordMetadata, bytes] = {}
        told_later = asyncio.Event()
        over = asyncio.Event()

        async def write(name: str) -> None:
            """Writes until it was acknowledged ten times after the outage."""
            n = after = 0
            while after < 10:
                given = [record(name, f"{name}:{n}:{i}") for i in range(5)]
                try:
                    offsets = await log.append(given)
                except TryLater:
                    told_later.set()
                    await asyncio.sleep(0.05)
                    continue
                acknowledged.update({at: r.value for at, r in zip(offsets, given, strict=True)})
                n += 1
                after += over.is_set()
                await asyncio.sleep(0.01)

        writers = [asyncio.create_task(write(f"w{n}")) for n in range(8)]
        await asyncio.sleep(0.2)
        await outage.begin()
        try:
            await told_later.wait()
        finally:
            await outage.end()
            over.set()
        await asyncio.gather(*writers)

        reader = await from_start(log)
        ends = await log.end_offsets(INTERACTIONS)
        found: dict[RecordMetadata, bytes] = {}
        reached = dict.fromkeys(ends, 0)
        while any(reached[number] < end for number, end in ends.items()):
            for r in await reader.read(1000):
                found[RecordMetadata(r.topic, r.partition, r.offset)] = r.value
                reached[r.partition] = r.offset + 1
        assert acknowledged.items() <= found.items()
        await reader.close()
        await log.stop()

    async def test_a_start_in_an_outage_is_told_to_try_later(self, make_log: MakeLog, outage: Outage) -> None:
        first = make_log(partitions=2)
        await first.start()
        await first.stop()
        log = make_log(partitions=2)
        await outage.begin()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                with pytest.raises(TryLater):
                    await log.start()
        finally:
            await outage.end()
        while True:
            try:
                await log.start()
            except TryLater:
                continue
            break
        await patiently(log, record("k", "v"))
        await log.stop()
